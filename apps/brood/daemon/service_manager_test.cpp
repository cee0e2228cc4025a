#include "apps/brood/daemon/service_manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace brood::app {
namespace service_manager_test {

/// A socket like that of systemd.
class Listener {
 public:
  explicit Listener(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
  }
  ~Listener() { ::close(fd_); }
  [[nodiscard]] std::string next() const {
    char text[512];
    const auto size = ::recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  int fd_;
};

TEST(ServiceManagers, AreToldWhatTheNodeDoes) {
  const std::string path = "@brood-test-" + std::to_string(::getpid());
  const Listener listener(path);
  const ServiceManager manager(path, std::chrono::seconds(10));
  manager.ready("n1@h is up");
  EXPECT_EQ(listener.next(), "READY=1\nSTATUS=n1@h is up");
  manager.alive();
  EXPECT_EQ(listener.next(), "WATCHDOG=1");
  manager.reloading();
  EXPECT_EQ(listener.next().rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0U);
  manager.stopping();
  EXPECT_EQ(listener.next().rfind("STOPPING=1\n", 0), 0U);
  EXPECT_EQ(manager.alive_every(), std::chrono::milliseconds(5000));
}

TEST(ServiceManagers, AreReadFromTheEnvironment) {
  ::setenv("NOTIFY_SOCKET", "@nobody-listens", 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(ServiceManager().alive_every(), std::chrono::milliseconds(1500));
  ServiceManager().alive();  // nobody hears it, and nothing happens
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(ServiceManager().alive_every()) << "that is for another process";
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_FALSE(ServiceManager().alive_every());
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  EXPECT_FALSE(ServiceManager().alive_every());
  ServiceManager().ready("nobody wants to know");
}

}  // namespace service_manager_test
}  // namespace brood::app
