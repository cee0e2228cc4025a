#include "apps/brood/init/init.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/fleet_file.hpp"
#include "apps/brood/init/imported.hpp"

namespace brood::app::init {
namespace {

namespace fs = std::filesystem;

Outcome<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::vector<std::pair<std::string, std::string>> included(const std::string& folder,
                                                          const std::string& pattern) {
  std::vector<std::pair<std::string, std::string>> out;
  glob_t found{};
  const auto whole = pattern.front() == '/' ? pattern : folder + "/" + pattern;
  if (::glob(whole.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      if (auto text = text_of(found.gl_pathv[i])) out.emplace_back(found.gl_pathv[i], std::move(*text));
    }
  }
  ::globfree(&found);
  return out;
}

// By its name, or else by what its first line that says something looks like.
bool is_procfile(const fs::path& path, const std::string& text) {
  if (path.filename().string().rfind("Procfile", 0) == 0) return true;
  if (path.extension() == ".conf" || path.extension() == ".ini") return false;
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] != '[' && text[first] != ';';
}

// As foreman and honcho do: the processes run in the Procfile's folder, with what its .env sets.
Outcome<Imported> in_its_folder(Outcome<Imported> imported, const std::string& source) {
  if (!imported) return imported;
  std::error_code error;
  const auto folder = fs::absolute(source, error).parent_path().lexically_normal();
  const auto env_file = folder / ".env";
  const auto settings =
      fs::is_regular_file(env_file, error) ? text_of(env_file.string()) : Outcome<std::string>();
  const bool sets_port = settings && ("\n" + *settings).find("\nPORT=") != std::string::npos;
  for (auto& program : imported->programs) {
    program.cwd = folder.string();
    if (!settings || settings->empty()) continue;
    program.options["env_file"] = Term::binary(env_file.string());
    if (sets_port)
      std::erase_if(program.remarks,
                    [](const std::string& words) { return words.starts_with("it wants $PORT"); });
  }
  return imported;
}

Outcome<Imported> read(const std::string& source) {
  std::error_code error;
  if (fs::is_directory(source, error)) {
    for (const char* name : {"Procfile", "supervisord.conf"}) {
      const auto inside = (fs::path(source) / name).string();
      if (fs::exists(inside, error)) return read(inside);
    }
    return from_folder(source);
  }
  const auto text = text_of(source);
  if (!text) return tl::unexpected(text.error());
  if (is_procfile(source, *text)) return in_its_folder(from_procfile(*text, source), source);
  const auto folder = fs::path(source).parent_path().string();
  return from_supervisord(*text, source,
                          [folder = folder.empty() ? "." : folder](const std::string& pattern) {
                            return included(folder, pattern);
                          });
}

// Never over a file that is there, unless told to.
Outcome<void> write(const std::string& path, const std::string& text, bool over) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (over ? O_TRUNC : O_EXCL), 0600);
  if (fd < 0 && errno == EEXIST)
    return refused("exists",
                   fmt::format("{} is there already; --force writes over it, --output names another", path));
  if (fd < 0) return refused("io", fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  std::size_t written = 0;
  while (written < text.size()) {
    const auto count = ::write(fd, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    written += static_cast<std::size_t>(count);
  }
  const bool whole = ::close(fd) == 0 && written == text.size();
  if (!whole) return refused("io", fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace

Outcome<void> run(const Arguments& arguments, Output& out) {
  const auto imported = read(arguments.target.empty() ? "." : arguments.target);
  if (!imported) return tl::unexpected(imported.error());
  const auto& path = arguments.init.output;
  const auto text = fleet_text(*imported, arguments.init.name);
  if (path == "-") {
    if (out.json()) return usage("init: --output - writes the file where --json writes its document");
    out.write(text);
    return {};
  }
  if (auto written = write(path, text, arguments.init.force); !written) return written;
  std::vector<std::string> remarks = imported->remarks;
  for (const auto& program : imported->programs)
    for (const auto& remark : program.remarks) remarks.push_back(program.id + ": " + remark);
  if (out.json()) {
    out.line(json_line(
        Json{{"file", path}, {"programs", imported->programs.size()}, {"not_taken_over", remarks}}));
    return {};
  }
  out.line(fmt::format("{}: {} program{} from {}", harmless(path), imported->programs.size(),
                       imported->programs.size() == 1 ? "" : "s", harmless(imported->source)));
  for (const auto& remark : remarks) out.line("  not taken over: " + harmless(remark));
  out.line(fmt::format("next: make the cookie that it names, then: brood node --config {}", harmless(path)));
  return {};
}

}  // namespace brood::app::init
