#include "resp/writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace hearth::resp {
namespace {

// Everything in the buffer, taken out in small steps as a slow socket would.
std::string Drain(OutputBuffer& output, size_t step = 1000) {
  std::string all;
  while (!output.empty()) {
    iovec parts[3];
    const int count = output.FillIov(parts, 3);
    EXPECT_GT(count, 0);
    size_t taken = 0;
    for (int i = 0; i < count && taken < step; ++i) {
      const size_t size = std::min(parts[i].iov_len, step - taken);
      all.append(static_cast<const char*>(parts[i].iov_base), size);
      taken += size;
    }
    output.Consume(taken);
  }
  EXPECT_EQ(output.memory_bytes(), 0u);
  return all;
}

class WriterTest : public ::testing::Test {
 protected:
  template <typename Fn>
  std::string Write(int protocol, Fn fn) {
    Writer writer(output_, protocol);
    fn(writer);
    return Drain(output_);
  }
  ChunkPool pool_;
  OutputBuffer output_{pool_};
};

TEST_F(WriterTest, WritesWhatBothProtocolsShare) {
  const auto write = [](Writer& w) {
    w.Simple("PONG"), w.Ok(), w.Error("ERR two\r\nlines"), w.Bulk("abc"), w.Bulk(""), w.BulkInteger(-12),
        w.Array(3);
  };
  const std::string expected =
      "+PONG\r\n+OK\r\n-ERR two  lines\r\n$3\r\nabc\r\n$0\r\n\r\n$3\r\n-12\r\n*3\r\n";
  EXPECT_EQ(Write(2, write), expected);
  EXPECT_EQ(Write(3, write), expected);
}

TEST_F(WriterTest, WritesIntegersOfEveryLength) {
  for (const int64_t value :
       {int64_t{0}, int64_t{9}, int64_t{10}, int64_t{99}, int64_t{100}, int64_t{-1}, int64_t{-10},
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(Write(2, [&](Writer& w) { w.Integer(value); }), ":" + std::to_string(value) + "\r\n");
  }
}

TEST_F(WriterTest, WritesRicherTypesInRespThree) {
  EXPECT_EQ(Write(3,
                  [](Writer& w) {
                    w.Null(), w.NullArray(), w.Map(2), w.Set(1), w.Push(2), w.Attribute(1), w.Double(1.5);
                    w.Boolean(true), w.Boolean(false), w.BigNumber("123"), w.Verbatim("hi");
                  }),
            "_\r\n_\r\n%2\r\n~1\r\n>2\r\n|1\r\n,1.5\r\n#t\r\n#f\r\n(123\r\n=6\r\ntxt:hi\r\n");
}

TEST_F(WriterTest, WritesTheirStandInsInRespTwo) {
  EXPECT_EQ(
      Write(2,
            [](Writer& w) {
              w.Null(), w.NullArray(), w.Map(2), w.Set(1), w.Push(2), w.Double(1.5), w.Double(-INFINITY);
              w.Boolean(true), w.Boolean(false), w.BigNumber("123"), w.Verbatim("hi");
            }),
      "$-1\r\n*-1\r\n*4\r\n*1\r\n*2\r\n$3\r\n1.5\r\n$4\r\n-inf\r\n:1\r\n:0\r\n$3\r\n123\r\n$2\r\nhi\r\n");
}

TEST_F(WriterTest, KeepsTheOrderAcrossChunks) {
  std::string expected;
  const std::string got = Write(2, [&](Writer& w) {
    for (size_t size = 0; size < 40000; size = size * 2 + 1) {
      const std::string value(size, static_cast<char>('a' + size % 26));
      w.Bulk(value);
      w.Integer(7);
      expected += "$" + std::to_string(size) + "\r\n" + value + "\r\n:7\r\n";
    }
  });
  EXPECT_EQ(got, expected);
}

TEST_F(WriterTest, FillsInLengthsThatAreKnownLate) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{10}, size_t{5000}}) {
    std::string expected = "*2\r\n+before\r\n%" + std::to_string(count) + "\r\n";
    const std::string got = Write(3, [&](Writer& w) {
      const auto outer = w.DeferArray();
      w.Simple("before");
      const auto inner = w.DeferMap();
      for (size_t i = 0; i < count; ++i) {
        w.Integer(1);
        w.Bulk("value");
        expected += ":1\r\n$5\r\nvalue\r\n";
      }
      w.Finish(inner, count);
      w.Simple("after");
      w.Finish(outer, 2);
      EXPECT_EQ(w.output().size_bytes(), expected.size() + 8);
    });
    EXPECT_EQ(got, expected + "+after\r\n");
  }
}

TEST_F(WriterTest, DoublesLateMapLengthsInRespTwo) {
  EXPECT_EQ(Write(2,
                  [](Writer& w) {
                    const auto map = w.DeferMap();
                    w.Integer(1), w.Integer(2);
                    w.Finish(map, 1);
                    const auto set = w.DeferSet();
                    w.Finish(set, 0);
                  }),
            "*2\r\n:1\r\n:2\r\n*0\r\n");
}

TEST_F(WriterTest, GivesALargeReplyAChunkOfItsSize) {
  const std::string value(1 << 20, 'x');
  output_.Append(value);
  EXPECT_LT(output_.memory_bytes(), value.size() + 1000);
  EXPECT_EQ(Drain(output_, 100'000), value);
}

TEST_F(WriterTest, TakesOverAnotherBuffer) {
  ChunkPool other_pool;
  for (const size_t size : {size_t{0}, size_t{10}, size_t{20000}, size_t{100000}}) {
    OutputBuffer other(other_pool);
    const std::string first(100, 'a');
    const std::string second(size, 'b');
    output_.Append(first);
    other.Append(second);
    output_.TakeAll(other);
    EXPECT_TRUE(other.empty());
    output_.Append("end");
    EXPECT_EQ(Drain(output_), first + second + "end");
  }
}

TEST_F(WriterTest, SmallChainsThatWaitShareChunks) {
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    OutputBuffer other(pool_);
    other.Append("$-1\r\n");
    output_.Attach(other.Detach());
    expected += "$-1\r\n";
  }
  EXPECT_EQ(output_.memory_bytes(), ChunkPool::kAllocationBytes);
  EXPECT_EQ(Drain(output_), expected);
}

TEST_F(WriterTest, HoldsNoChunkWhenEmptyAndReusesThem) {
  output_.Append("x");
  Drain(output_);
  EXPECT_EQ(pool_.free_count(), 1u);
  output_.Append("y");
  EXPECT_EQ(pool_.free_count(), 0u);
  output_.Clear();
  EXPECT_EQ(pool_.free_count(), 1u);
}

}  // namespace
}  // namespace hearth::resp
