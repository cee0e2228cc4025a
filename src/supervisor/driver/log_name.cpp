#include "supervisor/driver/log_name.hpp"

namespace brood::supervisor {
namespace {

/// What stands before the first '/' of a name, so that it ends there.
std::string without_slash(std::string_view supervisor) {
  std::string out;
  for (const char c : supervisor) {
    if (c == '/')
      out += "%2F";
    else if (c == '%')
      out += "%25";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string log_name(std::string_view supervisor, const ChildId& id) {
  const std::string bytes(id.bytes());
  const std::string before = without_slash(supervisor);
  switch (id.kind()) {
    case IdKind::atom:
      return before + "/:" + bytes;
    case IdKind::term:
      return before + "/=" + bytes;
    case IdKind::binary:
      break;
  }
  // One that begins like a name of the others is told apart from them.
  const bool looks_otherwise = std::string_view(":=/").find(bytes.front()) != std::string_view::npos;
  return before + (looks_otherwise ? "//" : "/") + bytes;
}

// No child's name begins with '/', as no supervisor's is empty.
std::string health_log_name(std::string_view supervisor, const ChildId& id) {
  return "/health/" + log_name(supervisor, id);
}

}  // namespace brood::supervisor
