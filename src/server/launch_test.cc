#include "server/launch.h"

#include <gtest/gtest.h>

namespace hearth::server {
namespace {

TEST(LaunchTest, TheProgramsNameOrAnOptionAsksForASentinel) {
  EXPECT_TRUE(IsSentinelAsked("hearth-sentinel", {}));
  EXPECT_TRUE(IsSentinelAsked("/usr/bin/redis-sentinel", {"s.conf"}));
  EXPECT_TRUE(IsSentinelAsked("hearth-server", {"s.conf", "--Sentinel"}));
  EXPECT_FALSE(IsSentinelAsked("hearth-server", {"sentinel.conf", "--port", "1"}));
  EXPECT_FALSE(IsSentinelAsked("", {}));
}

}  // namespace
}  // namespace hearth::server
