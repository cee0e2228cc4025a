// The fleet file that `brood init` writes.
#include <fmt/format.h>

#include "apps/brood/init/imported.hpp"

namespace brood::app::init {
namespace {

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string in_toml(const Term& value) {
  if (const auto* number = value.as_integer()) return std::to_string(*number);
  if (const auto* items = value.as_list()) {
    std::string out;
    for (const auto& item : *items) (out += out.empty() ? "" : ", ") += in_toml(item);
    return "[" + out + "]";
  }
  return in_quotes(value.text().value_or(""));
}

std::string list(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + in_quotes(word);
  return "[" + out + "]";
}

// A command may have {n}, which means the number of a child only where there are several.
std::vector<std::string> entry(const Program& program) {
  std::vector<std::string> out{"[[supervisor.main.child]]", "id = " + in_quotes(program.id),
                               "exec = " + list(program.exec)};
  if (program.count > 1) out.push_back(fmt::format("count = {}", program.count));
  if (!program.cwd.empty()) out.push_back("cwd = " + in_quotes(program.cwd));
  if (!program.env.empty()) {
    std::string env;
    for (const auto& [name, value] : program.env)
      env += fmt::format("{}{} = {}", env.empty() ? "" : ", ", in_quotes(name), in_quotes(value));
    out.push_back("env = { " + env + " }");
  }
  if (program.restart != "permanent") out.push_back("restart = " + in_quotes(program.restart));
  if (!program.stop_signal.empty()) out.push_back("stop_signal = " + in_quotes(program.stop_signal));
  if (program.shutdown) out.push_back(fmt::format("shutdown_ms = {}", program.shutdown->count()));
  for (const auto& [key, value] : program.options) out.push_back(key + " = " + in_toml(value));
  if (!program.tag.empty()) out.push_back("tag = " + in_quotes(program.tag));
  return out;
}

// Text from elsewhere must not end its comment.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

std::string fleet_text(const Imported& imported, const std::string& node) {
  std::string out = fmt::format(
      "# A fleet file: what this node is, and what the cluster keeps alive. Made by `brood init` from\n# {}\n"
      "# The same file may be given to every node. Run it:  brood node --config FILE\n"
      "# What may stand here is in the guide, docs/guide/fleet-file.md.\n",
      one_line(imported.source));
  for (const auto& remark : imported.remarks) out += fmt::format("# NOT TAKEN OVER: {}\n", one_line(remark));
  out += fmt::format(
      "\n[node]\n# What stands after the @ must lead to this machine from the others.\nname = {}\n"
      "# The cluster's secret, the same on every node; mode 0600:\n"
      "#   (umask 077; head -c 18 /dev/urandom | base64 | tr +/ -- > cookie)\ncookie_file = \"cookie\"\n"
      "# The nodes of the cluster; a node's own name among them means nothing.\n"
      "# join = [\"n1@host1\", \"n2@host2\"]\n",
      in_quotes(node));
  for (const auto& program : imported.programs) {
    out += '\n';
    for (const auto& remark : program.remarks) out += fmt::format("# NOT TAKEN OVER: {}\n", one_line(remark));
    if (!program.starts) out += "# It was not to be started by itself:\n";
    for (const auto& line : entry(program)) out += (program.starts ? "" : "# ") + line + '\n';
  }
  return out;
}

}  // namespace brood::app::init
