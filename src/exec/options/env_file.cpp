#include "exec/options/env_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace brood::exec {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;
constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !is_letter(text.front())) return false;
  for (const char c : text)
    if (!is_letter(c) && (c < '0' || c > '9') && c != '.' && c != '-') return false;
  return true;
}

char unescaped(char c) {
  return c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

/// What is between the quotes that `text` begins with; nullopt where they have no end, or more than a comment
/// follows them.
std::optional<std::string> in_quotes(std::string_view text) {
  const char quote = text.front();
  std::string out;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == quote) {
      const auto rest = trimmed(text.substr(at + 1));
      return rest.empty() || rest.front() == '#' ? std::optional(out) : std::nullopt;
    }
    const bool escapes = quote == '"' && text[at] == '\\' && at + 1 < text.size() &&
                         std::string_view("nt\\\"$`").find(text[at + 1]) != std::string_view::npos;
    out += escapes ? unescaped(text[++at]) : text[at];
  }
  return std::nullopt;
}

std::string plain(std::string_view text) {
  if (!text.empty() && text.front() == '#') return "";
  for (const std::string_view mark : {" #", "\t#"}) text = text.substr(0, text.find(mark));
  return std::string(trimmed(text));
}

Error failed(const std::string& path, std::string_view why) {
  return {Errc::start_failed, fmt::format("env_file \"{}\": {}", path, why)};
}

}  // namespace

Result<std::map<std::string, std::string>> parse_env_file(std::string_view text) {
  std::map<std::string, std::string> out;
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    auto words = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words.front() == '#') continue;
    const auto bad = [&](std::string_view why) {
      return Error{Errc::invalid_argument, fmt::format("line {}: {}", line, why)};
    };
    if (words.find('\0') != std::string_view::npos) return bad("has a zero byte");
    if (words.starts_with("export ")) words = trimmed(words.substr(7));
    const auto equals = words.find('=');
    const auto name = trimmed(words.substr(0, equals));
    if (equals == std::string_view::npos || !is_name(name)) return bad("is no NAME=VALUE");
    const auto value = trimmed(words.substr(equals + 1));
    if (value.empty() || (value.front() != '"' && value.front() != '\'')) {
      out[std::string(name)] = plain(value);
      continue;
    }
    auto quoted = in_quotes(value);
    if (!quoted) return bad("its quotes have no end, or something follows them");
    out[std::string(name)] = std::move(*quoted);
  }
  return out;
}

Result<std::map<std::string, std::string>> load_env_file(const std::string& path) {
  const auto why = [] { return std::generic_category().message(errno); };
  // Not to be held up by a pipe that nobody writes to.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed(path, why());
  struct stat status {};
  std::string text;
  std::optional<Error> error;
  if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) error = failed(path, "is no file");
  while (!error) {
    char piece[4096];
    const ssize_t n = read(fd, piece, sizeof piece);
    if (n == 0) break;
    if (n > 0) text.append(piece, static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) error = failed(path, why());
    if (text.size() > file_bytes_max) error = failed(path, "is larger than 1 MiB");
  }
  close(fd);
  if (error) return *error;
  auto parsed = parse_env_file(text);
  if (!parsed) return failed(path, parsed.error().message);
  return parsed;
}

}  // namespace brood::exec
