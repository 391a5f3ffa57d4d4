// Several arrays of samples or targets: in a list, or in an object by name.

/** Return several arrays, each with equally many samples, as the arguments of a kernel. */
export function severalArrays(values, abouts, key, where, read) {
  const argument = key.toLowerCase();
  const names = abouts.map(({ name }) => name);
  const isOrdered = Array.isArray(values);
  const given = isOrdered ? [...values.keys()] : Object.keys(values ?? {});
  const expected = isOrdered ? [...names.keys()] : names;
  if (given.length !== names.length || given.some((each) => !expected.includes(each)))
    throw new Error(`${where}: give ${argument} as a list of ${names.length} arrays, or an object of them by name: ${names.join(", ")}`);
  const parts = abouts.map((about, i) => read(values[isOrdered ? i : about.name], about, `${argument}.${about.name}`));
  const odd = parts.findIndex(({ rows }) => rows !== parts[0].rows);
  if (odd > 0) throw new Error(`${where}: ${argument}.${names[0]} has ${parts[0].rows} samples, ${argument}.${names[odd]} has ${parts[odd].rows}`);
  return { rows: parts[0].rows, given: parts.map(({ data }, i) => [`${key}/${i}`, data]) };
}
