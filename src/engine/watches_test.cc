#include "engine/watches.h"

#include <gtest/gtest.h>

#include "engine/client.h"

namespace hearth::engine {
namespace {

class WatchesTest : public ::testing::Test {
 protected:
  WatchesTest() : output_(pool_), a_(1, nullptr, output_, 0), b_(2, nullptr, output_, 0) {}
  ~WatchesTest() override {
    watches_.Forget(a_);
    watches_.Forget(b_);
  }

  resp::ChunkPool pool_;
  resp::OutputBuffer output_;
  Client a_;
  Client b_;
  Watches watches_;
};

TEST_F(WatchesTest, AChangeMarksAllWhoWatchTheKeyAndNobodyElse) {
  watches_.Watch(a_, 0, "x", false);
  watches_.Watch(b_, 0, "y", false);
  watches_.Watch(b_, 1, "x", false);
  watches_.MarkChanged(0, "x");
  EXPECT_TRUE(a_.transaction->is_dirty);
  EXPECT_FALSE(b_.transaction->is_dirty);
  watches_.MarkChanged(1, "x");
  EXPECT_TRUE(b_.transaction->is_dirty);
}

TEST_F(WatchesTest, CountsKeysAndClients) {
  watches_.Watch(a_, 0, "x", false);
  watches_.Watch(a_, 0, "x", false);
  watches_.Watch(a_, 0, "y", false);
  watches_.Watch(b_, 0, "x", false);
  EXPECT_EQ(watches_.key_count(), 2u);
  EXPECT_EQ(watches_.client_count(), 2u);
  watches_.Forget(a_);
  EXPECT_EQ(watches_.key_count(), 1u);
  EXPECT_EQ(watches_.client_count(), 1u);
  watches_.Forget(a_);
  EXPECT_EQ(watches_.client_count(), 1u);
  watches_.Forget(b_);
  EXPECT_FALSE(watches_.any());
}

TEST_F(WatchesTest, TheFirstChangeOfAnExpiredKeyIsItsRemoval) {
  watches_.Watch(a_, 0, "x", true);
  watches_.MarkChanged(0, "x");
  EXPECT_FALSE(a_.transaction->is_dirty);
  watches_.MarkChanged(0, "x");
  EXPECT_TRUE(a_.transaction->is_dirty);
}

TEST_F(WatchesTest, MarksTheAffectedKeysOfADatabase) {
  watches_.Watch(a_, 0, "x", false);
  watches_.Watch(b_, 0, "y", false);
  watches_.MarkDatabase(1, [](std::string_view) { return true; });
  watches_.MarkDatabase(0, [](std::string_view key) { return key == "y"; });
  EXPECT_FALSE(a_.transaction->is_dirty);
  EXPECT_TRUE(b_.transaction->is_dirty);
}

}  // namespace
}  // namespace hearth::engine
