#include "resp/output_buffer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::resp {
namespace {

// Everything in the buffer, taken out in small steps as a slow socket would.
std::string Drain(OutputBuffer& output, size_t step) {
  std::string all;
  while (!output.empty()) {
    iovec part;
    EXPECT_EQ(output.FillIov(&part, 1), 1);
    const size_t taken = std::min(part.iov_len, step);
    all.append(static_cast<const char*>(part.iov_base), taken);
    output.Consume(taken);
  }
  EXPECT_EQ(output.memory_bytes(), 0u);
  return all;
}

class OutputBufferTest : public ::testing::Test {
 protected:
  ChunkPool pool_;
  OutputBuffer output_{pool_};
};

TEST_F(OutputBufferTest, SharedBytesGoOutFromWhereTheyStand) {
  const auto text = std::make_shared<std::string>(100'000, 's');
  output_.Append("before ");
  output_.AppendShared(*text, text);
  output_.Append(" behind");
  EXPECT_LT(output_.memory_bytes(), 2 * ChunkPool::kAllocationBytes + 1000);
  iovec parts[3];
  ASSERT_EQ(output_.FillIov(parts, 3), 3);
  EXPECT_EQ(parts[1].iov_base, text->data());
  EXPECT_EQ(Drain(output_, 1000), "before " + *text + " behind");
}

TEST_F(OutputBufferTest, TheOwnerIsLetGoOfWithItsLastByte) {
  auto text = std::make_shared<std::string>(5000, 's');
  const std::weak_ptr<std::string> watched = text;
  const std::string_view bytes = *text;
  output_.AppendShared(bytes, std::move(text));
  output_.Consume(4999);
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(output_.size_bytes(), 1u);
  output_.Consume(1);
  EXPECT_TRUE(watched.expired());
}

TEST_F(OutputBufferTest, ClearingAndDestroyingLetGoOfOwners) {
  auto text = std::make_shared<std::string>("text");
  const std::weak_ptr<std::string> watched = text;
  {
    OutputBuffer other(pool_);
    other.AppendShared(*text, text);
    output_.TakeAll(other);
    const std::string_view bytes = *text;
    output_.AppendShared(bytes, std::move(text));
  }
  EXPECT_EQ(output_.size_bytes(), 8u);
  output_.Clear();
  EXPECT_TRUE(watched.expired());
}

TEST_F(OutputBufferTest, EmptySharedBytesAreNothing) {
  output_.AppendShared({}, nullptr);
  EXPECT_TRUE(output_.empty());
  EXPECT_EQ(output_.memory_bytes(), 0u);
}

TEST_F(OutputBufferTest, AnyMixtureComesOutAsItWentIn) {
  Prng prng(TestSeed());
  ChunkPool other_pool;
  for (int round = 0; round < 200; ++round) {
    std::string expected;
    for (uint64_t i = 0, count = 1 + prng.Below(30); i < count; ++i) {
      const std::string text(prng.Below(2) == 0 ? prng.Below(100) : prng.Below(40'000),
                             static_cast<char>('a' + prng.Below(26)));
      expected += text;
      OutputBuffer other(other_pool);
      OutputBuffer& to = prng.Below(3) == 0 ? other : output_;
      if (prng.Below(2) == 0) {
        const auto owner = std::make_shared<std::string>(text);
        to.AppendShared(*owner, owner);
      } else {
        to.Append(text);
      }
      output_.TakeAll(other);
    }
    EXPECT_EQ(output_.size_bytes(), expected.size());
    EXPECT_EQ(Drain(output_, 1 + prng.Below(50'000)), expected);
  }
}

}  // namespace
}  // namespace hearth::resp
