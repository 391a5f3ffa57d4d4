"""For the writers of labs: a first source, a check of a source, and a course made of it."""
