#include "node/epmd/epmd_names.hpp"

#include <charconv>
#include <optional>

namespace brood::node::epmd {
namespace {

constexpr char names_tag = 110;

/// "name NAME at port PORT"
std::optional<RegisteredNode> read_line(std::string_view line) {
  constexpr std::string_view head = "name ";
  constexpr std::string_view middle = " at port ";
  const auto at = line.rfind(middle);
  if (line.substr(0, head.size()) != head || at == std::string_view::npos || at <= head.size())
    return std::nullopt;
  const std::string_view digits = line.substr(at + middle.size());
  RegisteredNode node{std::string(line.substr(head.size(), at - head.size())), 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), node.port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return node;
}

}  // namespace

Bytes names_request() {
  return Bytes({'\0', '\1', names_tag});
}

Result<std::vector<RegisteredNode>> names_answer(BytesView received) {
  // Its own port, then text.
  if (received.size() < 4) return Error{Errc::malformed, "what answers there is not EPMD"};
  std::vector<RegisteredNode> nodes;
  for (std::string_view text = received.substr(4); !text.empty();) {
    const auto end = text.find('\n');
    if (auto node = read_line(text.substr(0, end))) nodes.push_back(std::move(*node));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return nodes;
}

}  // namespace brood::node::epmd
