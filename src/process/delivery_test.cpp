#include "process/test_support.hpp"

namespace brood::process::testing {

using LargeMessages = RuntimeTest;

namespace delivery_test {

/// Where its bytes are says whether a message was copied on its way.
struct Large {
  EncodedTerm bytes = encode_term(Term::binary(std::string(1 << 20, 'x')));
  const char* at = bytes.view().data();
  Message message() { return Message::encoded(std::move(bytes)); }
};

}  // namespace delivery_test

TEST_F(LargeMessages, OfThisNodeAreNotCopied) {
  Channel<const char*> seen;
  const Pid pid =
      runtime.spawn(scripted({.info = [&](Context&, Message m) { seen.put(m.bytes().view().data()); }}), {});
  delivery_test::Large large;
  ASSERT_TRUE(runtime.send(pid, large.message()));
  EXPECT_EQ(seen.take(), large.at);
  ASSERT_TRUE(runtime.register_name(Atom("reader"), pid));
  delivery_test::Large other;
  ASSERT_TRUE(runtime.send(NamedProcess{Atom("reader"), here}, other.message()));
  EXPECT_EQ(seen.take(), other.at);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(LargeMessages, ForAnotherNodeAreNotCopied) {
  runtime.set_remote(&remote);
  const auto sent_to = [this](const Address& to) {
    delivery_test::Large large;
    EXPECT_TRUE(runtime.send(to, large.message()));
    const auto asked = remote.take();
    return asked.has_value() && asked->term.view().data() == large.at;
  };
  EXPECT_TRUE(sent_to(far_pid(5)));
  EXPECT_TRUE(sent_to(NamedProcess{Atom("reader"), there}));
  EXPECT_TRUE(sent_to(far_ref(5)));
}

}  // namespace brood::process::testing
