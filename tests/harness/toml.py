"""Writes fleet files: a small TOML writer for the values that they hold."""


def _key(key):
    return key if key and all(c.isalnum() or c in "-_" for c in key) else '"' + key.replace('"', '\\"') + '"'


def value(item):
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (int, float)):
        return repr(item)
    if isinstance(item, str):
        escaped = item.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(map(value, item)) + "]"
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{_key(k)} = {value(v)}" for k, v in item.items()) + " }"
    raise TypeError(f"{item!r} is nothing that a fleet file holds")


def fleet(node, supervisors):
    """node: the [node] table. supervisors: name -> (options, [child table])."""
    lines = ["[node]"] + [f"{key} = {value(item)}" for key, item in node.items()]
    for name, (options, children) in supervisors.items():
        lines += ["", f"[supervisor.{_key(name)}]"] + [f"{k} = {value(v)}" for k, v in options.items()]
        for child in children:
            lines += ["", f"[[supervisor.{_key(name)}.child]]"] + [f"{k} = {value(v)}" for k, v in child.items()]
    return "\n".join(lines) + "\n"
