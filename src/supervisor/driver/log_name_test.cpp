#include "supervisor/driver/log_name.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace brood::supervisor {
namespace log_name_test {

TEST(LogName, OfAnOrdinaryChildIsSupervisorAndId) {
  EXPECT_EQ(log_name("web", *ChildId::binary("files/a")), "web/files/a");
  EXPECT_EQ(log_name("web", *ChildId::atom("main")), "web/:main");
}

TEST(LogName, NoTwoChildrenOrHealthChecksShareOne) {
  std::map<std::string, std::string> whose;
  std::vector<std::string> texts{"b",           "b/health", "health/b", "a/b", "/b",
                                 "/health/a/b", ":b",       "=b",       "//b", "%2Fb"};
  for (const char* supervisor : {"a", "a/b", "a%2Fb", "a/", "/a", "/health/a", "/health", "a/health"}) {
    for (const auto& text : texts) {
      for (const auto& id : {*ChildId::binary(text), *ChildId::atom(text)}) {
        const std::string owner = std::string(supervisor) + " | " + id.text();
        for (const auto& name : {log_name(supervisor, id), health_log_name(supervisor, id)}) {
          const auto [at, first] = whose.emplace(name, owner);
          EXPECT_TRUE(first) << name << " is that of " << at->second << " and of " << owner;
        }
      }
    }
  }
}

}  // namespace log_name_test
}  // namespace brood::supervisor
