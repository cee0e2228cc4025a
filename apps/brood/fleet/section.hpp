// Section: one table of a fleet file while it is read. Each getter names a key that is allowed; finish()
// complains about every key that no getter asked for. Getters return nullopt for a key that is absent or
// wrong; what is wrong is in the Problems.
//
// One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/brood/fleet/toml_tree.hpp"

namespace brood::app::fleet {

/// The longest time that a key may say.
inline constexpr std::int64_t day_ms = 24 * 60 * 60 * 1000;

class Section {
 public:
  /// `path` is the table's key ("supervisor.web"); `line` is where it begins.
  Section(const TomlTable& table, int line, std::string path, Problems& problems)
      : table_(table), line_(line), path_(std::move(path)), problems_(problems) {}

  std::optional<std::string> text(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  /// A number of any kind, above zero.
  std::optional<double> positive(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  std::optional<std::string> one_of(std::string_view key, const std::vector<std::string>& allowed);
  /// The entry as it is; the caller checks it.
  const TomlEntry* any(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const { return table_.find(key) != nullptr; }
  /// Something wrong with `key`; with an empty key, with the table itself.
  void problem(std::string_view key, std::string what);
  /// Complains about keys that were never asked for.
  void finish();
  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] int line() const { return line_; }
  [[nodiscard]] Problems& problems() { return problems_; }

 private:
  void wrong_kind(const TomlEntry& entry, std::string_view wanted);

  const TomlTable& table_;
  int line_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> known_;
};

/// "; did you mean \"restart\"?" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

}  // namespace brood::app::fleet
