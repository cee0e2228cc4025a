// The man page.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "apps/brood/manual/words.hpp"

namespace brood::app::manual {
namespace {

// A dash of an option is no hyphen, and a line must not begin with what troff takes for a request.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '-') {
      out += "\\-";
    } else if (c == '\\') {
      out += "\\e";
    } else {
      out += c;
    }
  }
  return out;
}

std::string sentence(const std::string& text) {
  return text.empty() || text.back() == '.' ? text : text + ".";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string option_entry(const OptionWords& option) {
  std::string head;
  for (const auto& name : option.names)
    head += fmt::format("{}\\fB{}\\fR", head.empty() ? "" : ", ", roff(name));
  if (!option.value.empty()) head += fmt::format("{}\\fI{}\\fR", head.empty() ? "" : " ", roff(option.value));
  return fmt::format(".TP\n{}\n{}\n", head, roff(sentence(option.about)));
}

std::string command_entry(const std::string& program, const CommandWords& command) {
  std::string head = fmt::format("\\fB{} {}\\fR", program, roff(command.name));
  if (!command.options.empty()) head += " [\\fIOPTION\\fR]...";
  for (const auto& positional : command.positionals)
    head += positional.required ? fmt::format(" \\fI{}\\fR", roff(positional.value))
                                : fmt::format(" [\\fI{}\\fR]", roff(positional.value));
  std::string out =
      fmt::format(".SS {}\n{}\n.PP\n{}\n", roff(command.name), head, roff(sentence(command.about)));
  for (const auto& positional : command.positionals) {
    if (!positional.about.empty()) out += option_entry(positional);
  }
  for (const auto& option : command.options) out += option_entry(option);
  return out;
}

}  // namespace

std::string man_page(const ProgramWords& program) {
  std::string out = fmt::format(".TH {} 1 \"\" \"{} {}\" \"User Commands\"\n", upper(program.name),
                                program.name, program.version);
  const auto colon = program.about.find(": ");
  out += fmt::format(".SH NAME\n{} \\- {}\n", program.name,
                     roff(colon == std::string::npos ? program.about : program.about.substr(colon + 2)));
  out += fmt::format(".SH SYNOPSIS\n.B {}\n[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...\n",
                     program.name);
  out +=
      fmt::format(".SH DESCRIPTION\n\\fB{0} node\\fR runs a node; every other command asks one that runs.\n",
                  program.name);
  out += ".SH OPTIONS OF ALL COMMANDS\n";
  for (const auto& option : program.options) out += option_entry(option);
  out += ".SH COMMANDS\n";
  for (const auto& command : program.commands) out += command_entry(program.name, command);
  out += ".SH NOTES\n";
  for (std::size_t at = 0; at < program.footer.size();) {
    const auto end = std::min(program.footer.find('\n', at), program.footer.size());
    out += roff(program.footer.substr(at, end - at)) + "\n.PP\n";
    at = end + 1;
  }
  out += fmt::format(".SH SEE ALSO\nThe guide of {}, in its package's documentation.\n", program.name);
  return out;
}

}  // namespace brood::app::manual
