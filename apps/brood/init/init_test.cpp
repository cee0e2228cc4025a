// Files of other tools, in the shapes that these have in the wild, become fleet files that are read without a
// problem.
#include "apps/brood/init/init.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "apps/brood/fleet/fleet_file.hpp"
#include "apps/brood/init/imported.hpp"

namespace brood::app::init {
namespace init_test {

constexpr const char* supervisord_of_a_web_app = R"(; of a web application
[unix_http_server]
file=/var/run/supervisor.sock   ; (the path to the socket file)

[supervisord]
logfile=/var/log/supervisord.log

[program:web]
command=/srv/app/venv/bin/gunicorn app.wsgi --bind 127.0.0.1:8000 --workers 4
directory=/srv/app
user=www-data
startsecs=5
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=4
umask=022
autostart=true
autorestart=true
environment=DJANGO_SETTINGS_MODULE="app.settings",SECRET='a,b=c',
    LANG=en_US.UTF-8
stopsignal=QUIT
stopwaitsecs=30
redirect_stderr=true
stdout_logfile=/var/log/web.log

[program:worker]
command=/srv/app/venv/bin/celery -A app worker -l info -n worker-%(process_num)02d
process_name=%(program_name)s_%(process_num)02d
numprocs=3
killasgroup=true
priority=998

[group:app]
programs=web,worker
)";

constexpr const char* supervisord_of_a_container = R"([supervisord]
nodaemon=true
[program:nginx]
command=nginx -g "daemon off;"
autorestart=unexpected
exitcodes=0,2
[program:php]
command = php-fpm -F
autostart = false
[program:cron]
command=%(here)s/run-cron %(ENV_BROOD_NOT_SET)s 100%%
autorestart=false
[eventlistener:crashmail]
command=crashmail
[include]
files = conf.d/*.conf
)";

Imported imported(
    const char* text, const std::string& path = "/etc/supervisor/supervisord.conf",
    const Included& included = [](const std::string&) {
      return std::vector<std::pair<std::string, std::string>>{};
    }) {
  auto out = from_supervisord(text, path, included);
  EXPECT_TRUE(out) << (out ? "" : out.error().message);
  return out ? std::move(*out) : Imported{};
}

const Program& program(const Imported& all, const std::string& id) {
  for (const auto& one : all.programs)
    if (one.id == id) return one;
  ADD_FAILURE() << "no program " << id;
  static const Program none;
  return none;
}

/// The children of the fleet file that it becomes.
std::vector<ChildSpec> children(const Imported& all) {
  const auto text = fleet_text(all, "n1@127.0.0.1");
  const auto fleet = fleet::parse_fleet(text, "/srv");
  EXPECT_TRUE(fleet) << (fleet ? "" : fleet.error().front().text("fleet.toml")) << "\n" << text;
  return fleet && !fleet->supervisors.empty() ? fleet->supervisors.front().children
                                              : std::vector<ChildSpec>{};
}

TEST(Init, OfAWebApplication) {
  const auto all = imported(supervisord_of_a_web_app);
  const auto& web = program(all, "web");
  EXPECT_EQ(web.exec.front(), "/srv/app/venv/bin/gunicorn");
  EXPECT_EQ(web.cwd, "/srv/app");
  EXPECT_EQ(web.env.at("SECRET"), "a,b=c");
  EXPECT_EQ(web.env.at("LANG"), "en_US.UTF-8");
  EXPECT_EQ(web.stop_signal, "SIGQUIT");
  EXPECT_EQ(web.shutdown, std::chrono::seconds(30));
  EXPECT_EQ(web.restart, "permanent");
  EXPECT_EQ(web.tag, "app");
  EXPECT_TRUE(web.remarks.empty());
  EXPECT_EQ(web.options.at("user"), Term::binary("www-data"));
  EXPECT_EQ(web.options.at("start_period_ms"), Term(std::int64_t{5000}));
  const auto& worker = program(all, "worker-{n}");
  EXPECT_EQ(worker.count, 3U);
  EXPECT_EQ(worker.exec.back(), "worker-{n}");
  EXPECT_EQ(worker.tag, "app");
  EXPECT_EQ(worker.restart, "transient");
  const auto specs = children(all);
  ASSERT_EQ(specs.size(), 4U);
  EXPECT_EQ(std::get<Command>(specs[0].run).options.user, "www-data");
  EXPECT_EQ(std::get<Command>(specs[0].run).options.umask, 022U);
  EXPECT_EQ(std::get<Command>(specs[0].run).options.log_size, 50U << 20);
  EXPECT_EQ(std::get<Command>(specs[0].run).options.log_files, 5U);
  EXPECT_EQ(specs[0].start_period, std::chrono::seconds(5));
}

TEST(Init, OfAContainer) {
  const auto all =
      imported(supervisord_of_a_container, "/app/supervisord.conf", [](const std::string& pattern) {
        EXPECT_EQ(pattern, "conf.d/*.conf");
        return std::vector<std::pair<std::string, std::string>>{
            {"/app/conf.d/extra.conf", "[program:extra]\ncommand=extra --all\n"}};
      });
  EXPECT_EQ(program(all, "nginx").exec, (std::vector<std::string>{"nginx", "-g", "daemon off;"}));
  EXPECT_TRUE(program(all, "nginx").remarks.empty());
  EXPECT_FALSE(program(all, "php").starts);
  EXPECT_EQ(program(all, "cron").exec,
            (std::vector<std::string>{"/app/run-cron", "%(ENV_BROOD_NOT_SET)s", "100%"}));
  EXPECT_EQ(program(all, "cron").restart, "temporary");
  EXPECT_EQ(program(all, "extra").exec.back(), "--all");
  ASSERT_EQ(all.remarks.size(), 1U);
  EXPECT_NE(all.remarks[0].find("crashmail"), std::string::npos);
  const auto specs = children(all);
  ASSERT_EQ(specs.size(), 3U) << "what is not to be started is a comment";
  EXPECT_EQ(std::get<Command>(specs[0].run).options.exit_codes, (std::vector<int>{0, 2}));
}

TEST(Init, OfOldFilesWithColonsAndComments) {
  const auto all = imported(
      "# old\n[program:queue]\ncommand: /usr/bin/queue --dir '/var/my queue' ; the queue\nstopsignal: "
      "nonsense\numask: 888\nstdout_logfile_maxbytes: 0\n");
  EXPECT_EQ(program(all, "queue").exec.back(), "/var/my queue");
  EXPECT_EQ(program(all, "queue").remarks.size(), 3U) << "the signal, the umask and a log without a bound";
  EXPECT_EQ(children(all).size(), 1U);
}

TEST(Init, WhatIsWrongInAnIniFileIsNamedWithItsLine) {
  const auto said = [](const char* text) {
    const auto out = from_supervisord(text, "s.conf", [](const std::string&) {
      return std::vector<std::pair<std::string, std::string>>{};
    });
    return out ? std::string() : out.error().message;
  };
  EXPECT_EQ(said("[program:x\n"), "s.conf: line 1: a section without its closing bracket");
  EXPECT_EQ(said("\ncommand=x\n"), "s.conf: line 2: a key before any [section]");
  EXPECT_EQ(said("[program:x]\nnonsense\n"), "s.conf: line 2: neither [section] nor key = value");
  EXPECT_EQ(said("[program:x]\ndirectory=/\n"), "s.conf: [program:x] has no command");
  EXPECT_EQ(said("[supervisord]\n"), "s.conf: has no [program:NAME]");
}

TEST(Init, NumbersThatDoNotBeginWithOneAreRemarked) {
  const auto remarks = [](const std::string& more) {
    return program(imported(("[program:w]\ncommand=serve 80%(process_num)d\nnumprocs=2\n" + more).c_str()),
                   "w-{n}")
        .remarks;
  };
  EXPECT_EQ(remarks(""),
            (std::vector<std::string>{"%(process_num)d: brood counts from 1, supervisord here from 0"}));
  EXPECT_TRUE(remarks("numprocs_start=1\n").empty());
}

TEST(Init, WhatIsNotTakenOverIsSaidOnceAndWithWhatToDo) {
  const auto all = imported("[program:w]\ncommand=serve %(ENV_BROOD_NOT_SET)s\npriority=5\n");
  EXPECT_EQ(
      program(all, "w").remarks,
      (std::vector<std::string>{"%(ENV_BROOD_NOT_SET)s: BROOD_NOT_SET is not set here: write what it stands "
                                "for, or set it and run this again",
                                "priority = 5: say what starts after what: after = [\"ID\"]"}));
}

TEST(Init, AProcfileRunsInItsFolderWithItsEnv) {
  const auto folder = ::testing::TempDir() + "init_procfile";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/Procfile") << "web: serve $PORT\n";
  std::ofstream(folder + "/.env") << "PORT=5000\n";
  Arguments arguments;
  arguments.target = folder;
  arguments.init.output = folder + "/fleet.toml";
  arguments.init.force = true;
  Output out(false, When::never);
  testing::internal::CaptureStdout();
  ASSERT_TRUE(run(arguments, out));
  out.flush();
  const auto told = testing::internal::GetCapturedStdout();
  EXPECT_EQ(told.find("not taken over"), std::string::npos) << told;
  std::ifstream file(arguments.init.output);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto whole = std::filesystem::path(folder).lexically_normal().string();
  EXPECT_NE(text.find("cwd = \"" + whole + "\""), std::string::npos) << text;
  EXPECT_NE(text.find("env_file = \"" + whole + "/.env\""), std::string::npos) << text;
  std::filesystem::remove_all(folder);
}

TEST(Init, OfAProcfile) {
  const auto all = from_procfile(
      "web: bundle exec puma -p $PORT\n\n# workers\nworker:  node worker.js --all\n"
      "release: ./migrate && ./warm\n",
      "Procfile");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(program(*all, "web").exec, (std::vector<std::string>{"sh", "-c", "bundle exec puma -p $PORT"}));
  EXPECT_EQ(program(*all, "web").remarks.size(), 1U);
  EXPECT_EQ(program(*all, "worker").exec, (std::vector<std::string>{"node", "worker.js", "--all"}));
  EXPECT_FALSE(program(*all, "release").starts);
  EXPECT_EQ(children(*all).size(), 2U);
}

TEST(Init, OfAProcfileOfAnotherKind) {
  const auto all = from_procfile(
      "clock: env TZ=UTC python -u clock.py\r\nlog.1: tail -F \"my log\" | tee out\r\n", "Procfile.dev");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(program(*all, "clock").exec.front(), "env");
  EXPECT_EQ(program(*all, "log.1").exec.front(), "sh");
  EXPECT_EQ(children(*all).size(), 2U);
  EXPECT_FALSE(from_procfile("web puma\n", "Procfile"));
  EXPECT_FALSE(from_procfile("a: b\na: c\n", "Procfile"));
  EXPECT_FALSE(from_procfile("", "Procfile"));
}

TEST(Init, OfAFolderTakesItsExecutables) {
  const auto folder = ::testing::TempDir() + "init_folder";
  std::filesystem::create_directories(folder);
  for (const char* name : {"a.sh", "b", "notes.txt"}) std::ofstream(folder + "/" + name) << "#!/bin/sh\n";
  for (const char* name : {"a.sh", "b"}) ::chmod((folder + "/" + name).c_str(), 0755);
  const auto all = from_folder(folder);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(children(*all).size(), 2U);
  EXPECT_EQ(program(*all, "a").exec.front(),
            std::filesystem::path(folder + "/a.sh").lexically_normal().string());
  EXPECT_FALSE(from_folder("/nowhere"));
}

TEST(Init, TextFromElsewhereCannotEndItsQuoteOrComment) {
  Imported all{"x\ny = 1", {}, {"a\nb = 2"}};
  all.programs.push_back({.id = "q\"\\", .exec = {"a\nb", "\x01"}, .remarks = {"r\n[x]"}});
  const auto specs = children(all);
  ASSERT_EQ(specs.size(), 1U);
  EXPECT_EQ(std::get<Command>(specs[0].run).argv, (std::vector<std::string>{"a\nb", "\x01"}));
}

}  // namespace init_test
}  // namespace brood::app::init
