"""The table of layers: who may include whom. DESIGN's picture, once, for every check that needs it."""

import fnmatch

# A layer and the layers right below it; what those see, it sees too.
BELOW = {
    "base": [],
    "term": ["base"],
    "core": ["term"],
    "process": ["term"],
    "node": ["process"],
    "exec": ["process"],
    "supervisor": ["core", "node", "exec"],
    "ops": ["supervisor"],
    "sim": ["core"],
}

# No clock, thread, socket, file, random device or environment in these.
PURE = ["base", "term", "core", "sim"]

# The layer that implements a public header, by pattern, the first that fits. A layer may include the public
# headers of what it sees.
PUBLIC = [
    ("result.hpp", "base"),
    ("term.hpp", "term"),
    ("codec.hpp", "term"),
    ("exit_reason.hpp", "term"),
    ("remote.hpp", "term"),
    ("worker.hpp", "process"),
    ("log.hpp", "process"),
    ("discovery.hpp", "node"),
    ("tls.hpp", "node"),
    ("node.hpp", "supervisor"),
    ("supervisor.hpp", "supervisor"),
    ("brood.hpp", "supervisor"),
    ("detail/*codec*.hpp", "term"),
    ("detail/type_name.hpp", "term"),
    ("detail/worker*.hpp", "process"),
]


def public_owner(name):
    """The layer of <brood/name>, or None."""
    return next((layer for pattern, layer in PUBLIC if fnmatch.fnmatch(name, pattern)), None)


# What the programs and the other folders may include of the layers. None: only public headers.
FOLDERS = {
    "apps/brood": ["base", "term", "process", "node", "exec", "supervisor", "ops"],
    "apps/sim": ["base", "term", "core", "sim"],
    "examples": [],
    "tests": [],
}


def visible(layer):
    """The layers that `layer` may include, itself among them."""
    seen = {layer}
    for below in BELOW[layer]:
        seen |= visible(below)
    return seen
