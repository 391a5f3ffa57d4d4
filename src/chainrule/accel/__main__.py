"""``python -m chainrule.accel script.py …``: run a script with its network trained by chainrule."""

from chainrule._src.tabular.accel_script import main

if __name__ == "__main__":
    main()
