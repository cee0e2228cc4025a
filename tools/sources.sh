#!/usr/bin/env bash
# Names every C++ file of the project, one a line.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
find include src apps sim bench fuzz examples tests \( -name '*.cpp' -o -name '*.hpp' \) | sort
