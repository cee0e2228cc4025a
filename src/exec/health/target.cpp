#include "exec/health/target.hpp"

#include <charconv>

namespace brood::exec {
namespace {

constexpr std::string_view scheme = "http://";

bool is_port(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

bool has_no_blanks(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  return true;
}

Error bad(const char* wanted, const std::string& got) {
  return {Errc::invalid_argument, std::string("must be ") + wanted + ", not \"" + got + "\""};
}

/// HOST, HOST:PORT, [V6]:PORT
bool split(std::string_view text, ProbeTarget& into) {
  const bool bracketed = !text.empty() && text.front() == '[';
  const auto close = bracketed ? text.find(']') : std::string_view::npos;
  if (bracketed && close == std::string_view::npos) return false;
  const auto colon = bracketed ? text.find(':', close) : text.rfind(':');
  into.host = bracketed ? text.substr(1, close - 1) : text.substr(0, colon);
  if (colon != std::string_view::npos) into.port = text.substr(colon + 1);
  const bool rest = bracketed && colon != close + 1 && close + 1 != text.size();
  return !rest && !into.host.empty() && has_no_blanks(text) &&
         (bracketed || into.host.find(':') == std::string::npos) &&
         (colon == std::string_view::npos || is_port(into.port));
}

}  // namespace

Result<ProbeTarget> target_of_tcp(const std::string& text) {
  ProbeTarget target;
  if (!split(text, target) || target.port.empty()) return bad("HOST:PORT", text);
  return target;
}

Result<ProbeTarget> target_of_http(const std::string& text) {
  constexpr const char* wanted = "http://HOST[:PORT][/PATH]";
  ProbeTarget target;
  if (!std::string_view(text).starts_with(scheme)) return bad(wanted, text);
  const auto rest = std::string_view(text).substr(scheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  if (!split(rest.substr(0, slash), target) || !has_no_blanks(rest)) return bad(wanted, text);
  if (target.port.empty()) target.port = "80";
  target.path = slash == rest.size() ? "/" : std::string(rest.substr(slash));
  return target;
}

}  // namespace brood::exec
