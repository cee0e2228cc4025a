// Files of sections, as Python's configparser reads them: [section], key = value or key: value, comments
// after # or ; (within a line after a blank), values that go on in lines that begin with a blank.
//
// Pure function.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/brood/cli/outcome.hpp"

namespace brood::app::init {

struct IniSection {
  std::string name;
  std::vector<std::pair<std::string, std::string>> entries;  ///< Keys in small letters.
  [[nodiscard]] const std::string* get(std::string_view key) const;
};

/// `path` is for the errors, which name the line.
[[nodiscard]] Outcome<std::vector<IniSection>> parse_ini(std::string_view text, const std::string& path);

}  // namespace brood::app::init
