// A TOML document as plain values that know their lines. It keeps the heavy TOML library out of everything
// but toml_tree.cpp.
//
// Plain data, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apps/brood/fleet/problem.hpp"

namespace brood::app::fleet {

struct TomlValue;
struct TomlEntry;

struct TomlArray {
  std::vector<TomlValue> items;
};

/// Entries in the order of their keys.
struct TomlTable {
  std::vector<TomlEntry> entries;
  [[nodiscard]] const TomlEntry* find(std::string_view key) const;
};

/// A date or a time: nothing here takes one.
struct TomlDate {};

struct TomlValue {
  int line = 0;
  std::variant<std::string, std::int64_t, double, bool, TomlDate, TomlArray, TomlTable> data;

  template <typename T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&data);
  }
};

struct TomlEntry {
  std::string key;
  int line = 0;  ///< Of the key.
  TomlValue value;
};

/// The whole document, or the one place where it is no TOML.
[[nodiscard]] tl::expected<TomlTable, Problem> parse_toml(std::string_view text);

/// "a text", "a whole number", ...: what kind of value it is, for messages.
[[nodiscard]] std::string_view kind_of(const TomlValue& value);

}  // namespace brood::app::fleet
