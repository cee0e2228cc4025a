#include "supervisor/node/loops.hpp"

#include <exception>

#include "process/log/log.hpp"

namespace brood::supervisor {

void Loops::start() {
  const auto begin = [](Loop& loop, const char* name) {
    loop.work.emplace(loop.io.get_executor());
    loop.thread = std::thread([&io = loop.io, name] { run(io, name); });
  };
  begin(control_, "control");
  begin(queries_, "queries");
}

void Loops::stop() {
  for (Loop* loop : {&control_, &queries_}) {
    loop->work.reset();
    loop->io.stop();
  }
  for (Loop* loop : {&control_, &queries_})
    if (loop->thread.joinable()) loop->thread.join();
}

void Loops::run(boost::asio::io_context& io, const char* name) {
  while (!io.stopped()) {
    try {
      io.run();
    } catch (const std::exception& error) {
      log::error("the {} thread goes on after an exception: {}", name, error.what());
    } catch (...) {
      log::error("the {} thread goes on after an exception that is no std::exception", name);
    }
  }
}

}  // namespace brood::supervisor
