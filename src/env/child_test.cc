#include "env/child.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>

#include "env/net.h"

namespace hearth::env {
namespace {

ChildEnd WaitForEnd(Child& child) {
  auto poller = std::move(*MakeSystemPoller());
  EXPECT_TRUE(poller->Add(child.fd(), kReadable, &child));
  std::array<PollEvent, 1> events;
  EXPECT_EQ(poller->Wait(events, 10'000'000), 1);
  const auto end = child.TakeEnd();
  EXPECT_TRUE(end.has_value());
  return end.value_or(ChildEnd{-1, -1});
}

TEST(Child, TellsItsExitCodeOnce) {
  auto child = Child::Start({"/bin/sh", "-c", "exit $1", "script", "7"});
  ASSERT_TRUE(child);
  const ChildEnd end = WaitForEnd(**child);
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.signal, 0);
  EXPECT_FALSE((*child)->TakeEnd());
}

TEST(Child, TellsTheSignalThatKilledIt) {
  auto child = Child::Start({"/bin/sh", "-c", "while :; do read line < /dev/zero; done"});
  ASSERT_TRUE(child);
  EXPECT_FALSE((*child)->TakeEnd());
  (*child)->Kill();
  EXPECT_EQ(WaitForEnd(**child).signal, SIGKILL);
}

TEST(Child, AProgramThatIsNotThereIsAnError) {
  const auto child = Child::Start({"/nowhere/at/all"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ENOENT);
}

}  // namespace
}  // namespace hearth::env
