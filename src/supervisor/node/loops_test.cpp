#include "supervisor/node/loops.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
#include <new>
#include <stdexcept>

namespace brood::supervisor {
namespace loops_test {

TEST(Loops, ALoopGoesOnAfterWhatThrows) {
  Loops loops;
  loops.start();
  for (auto* io : {&loops.control(), &loops.queries()}) {
    std::promise<void> went_on;
    boost::asio::post(*io, [] { throw std::runtime_error("of a user"); });
    boost::asio::post(*io, [] { throw std::bad_alloc(); });
    boost::asio::post(*io, [] { throw 7; });
    boost::asio::post(*io, [&] { went_on.set_value(); });
    EXPECT_EQ(went_on.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  }
}

TEST(Loops, WhatIsPostedAfterTheEndIsDroppedAndItsOwnersAreReleased) {
  auto owned = std::make_shared<int>(1);
  std::weak_ptr<int> seen = owned;
  bool ran = false;
  {
    Loops loops;
    loops.start();
    loops.stop();
    boost::asio::post(loops.control(), [&ran, owned = std::move(owned)] { ran = true; });
    loops.stop();
  }
  EXPECT_FALSE(ran);
  EXPECT_TRUE(seen.expired());
}

}  // namespace loops_test
}  // namespace brood::supervisor
