// SettingsReader: the settings of one strategy while it is made. Each getter names a setting that is allowed
// and says what it is where it is not given; finish() has the first thing that is wrong, a setting that
// nobody asked for included.
//
// Thread rule: pure data.
#pragma once

#include <brood/result.hpp>
#include <brood/strategies.hpp>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brood::core {

class SettingsReader {
 public:
  /// `of` is the strategy in words ("partition strategy 'static_quorum'").
  SettingsReader(const StrategySettings& settings, std::string of)
      : settings_(settings), of_(std::move(of)) {}

  [[nodiscard]] bool has(std::string_view key) const { return settings_.find(key) != settings_.end(); }
  [[nodiscard]] bool boolean(std::string_view key, bool otherwise);
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                     std::int64_t most);
  /// Whole numbers too.
  [[nodiscard]] double number(std::string_view key, double otherwise, double least, double most);
  /// Whole milliseconds. By convention the key ends in "_ms".
  [[nodiscard]] std::chrono::milliseconds milliseconds(std::string_view key,
                                                       std::chrono::milliseconds otherwise,
                                                       std::chrono::milliseconds least,
                                                       std::chrono::milliseconds most);
  [[nodiscard]] std::string text(std::string_view key, std::string otherwise);
  [[nodiscard]] std::string one_of(std::string_view key, std::string otherwise,
                                   std::initializer_list<std::string_view> allowed);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  /// The entry as it is, for a setting of several kinds; the caller says problem() of what it does not take.
  [[nodiscard]] const Setting* any(std::string_view key);

  /// Only the first is kept.
  void problem(std::string_view key, std::string_view what);
  /// Errors: invalid_argument.
  [[nodiscard]] Result<void> finish();

 private:
  const Setting* find(std::string_view key);

  const StrategySettings& settings_;
  std::string of_;
  std::vector<std::string> known_;
  std::optional<Error> first_;
};

}  // namespace brood::core
