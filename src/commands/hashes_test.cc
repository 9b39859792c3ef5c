#include "commands/hashes.h"

#include <gtest/gtest.h>

#include <set>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class HashesTest : public testing::Test {
 protected:
  HashesTest() { RegisterHashes(fixture_.engine.commands()); }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  Lines Effects() { return fixture_.TakeEffects(); }
  void UseResp3() { fixture_.client->writer.set_protocol(3); }

  engine::EngineFixture fixture_;
};

TEST_F(HashesTest, SetsAndGetsFields) {
  EXPECT_EQ(Do("HSET h a 1 b two"), ":2\r\n");
  EXPECT_EQ(Do("HSET h a 3 c 4"), ":1\r\n");
  EXPECT_EQ(Do("HMSET h d 5"), "+OK\r\n");
  EXPECT_EQ(Do("HSETNX h d 6"), ":0\r\n");
  EXPECT_EQ(Do("HSETNX new d 6"), ":1\r\n");
  EXPECT_EQ(Do("HGET h a"), "$1\r\n3\r\n");
  EXPECT_EQ(Do("HGET h x"), "$-1\r\n");
  EXPECT_EQ(Do("HMGET h b x d"), "*3\r\n$3\r\ntwo\r\n$-1\r\n$1\r\n5\r\n");
  EXPECT_EQ(Do("HMGET none b"), "*1\r\n$-1\r\n");
  EXPECT_EQ(Do("HLEN h"), ":4\r\n");
  EXPECT_EQ(Do("HSTRLEN h b"), ":3\r\n");
  EXPECT_EQ(Do("HSTRLEN h d"), ":1\r\n");
  EXPECT_EQ(Do("HEXISTS h b"), ":1\r\n");
  EXPECT_EQ(Do("HEXISTS none b"), ":0\r\n");
  EXPECT_EQ(Do("HSET h a"), "-ERR wrong number of arguments for 'hset' command\r\n");
  EXPECT_EQ(Do("HMSET h a 1 b"), "-ERR wrong number of arguments for 'hmset' command\r\n");
}

TEST_F(HashesTest, WholeHashesComeAsMapsToResp3) {
  Do("HSET h a 1 b 2");
  EXPECT_EQ(Do("HGETALL h"), "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("HGETALL none"), "*0\r\n");
  UseResp3();
  EXPECT_EQ(Do("HGETALL h"), "%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("HGETALL none"), "%0\r\n");
  EXPECT_EQ(Do("HKEYS h"), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(Do("HVALS h"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
}

TEST_F(HashesTest, DeletesFieldsAndThenTheKey) {
  Do("HSET h a 1 b 2");
  EXPECT_EQ(Do("HDEL h a x a"), ":1\r\n");
  EXPECT_EQ(Do("HDEL h b"), ":1\r\n");
  EXPECT_EQ(Do("HDEL h b"), ":0\r\n");
  EXPECT_EQ(fixture_.engine.keyspace().database(0).size(), 0u);
}

TEST_F(HashesTest, IncrementsRefuseWhatIsNoNumber) {
  EXPECT_EQ(Do("HINCRBY h n 5"), ":5\r\n");
  EXPECT_EQ(Do("HINCRBY h n -7"), ":-2\r\n");
  Do("HSET h big 9223372036854775807 text x");
  EXPECT_EQ(Do("HINCRBY h big 1"), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(Do("HINCRBY h text 1"), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(Do("HINCRBYFLOAT h text 1"), "-ERR hash value is not a float\r\n");
  EXPECT_EQ(Do("HINCRBYFLOAT h n x"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Do("HINCRBYFLOAT h n inf"), "-ERR value is NaN or Infinity\r\n");
  EXPECT_EQ(Do("HINCRBY none n x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Do("HLEN none"), ":0\r\n");
}

TEST_F(HashesTest, FloatIncrementsArePassedOnAsTheirSum) {
  EXPECT_EQ(Do("HINCRBYFLOAT h n 1.5"), "$3\r\n1.5\r\n");
  EXPECT_EQ(Do("HINCRBYFLOAT h n 1"), "$3\r\n2.5\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: HSET h n 1.5", "0: HSET h n 2.5"}));
}

TEST_F(HashesTest, RandomFieldsComeInEveryForm) {
  Do("HSET h a 1");
  EXPECT_EQ(Do("HRANDFIELD h"), "$1\r\na\r\n");
  EXPECT_EQ(Do("HRANDFIELD h 5"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("HRANDFIELD h -2"), "*2\r\n$1\r\na\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("HRANDFIELD h -2 WITHVALUES"), "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("HRANDFIELD none"), "$-1\r\n");
  EXPECT_EQ(Do("HRANDFIELD none 1"), "*0\r\n");
  UseResp3();
  EXPECT_EQ(Do("HRANDFIELD h 1 WITHVALUES"), "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("HRANDFIELD h -9223372036854775807 WITHVALUES"), "-ERR value is out of range\r\n");
  EXPECT_EQ(Do("HRANDFIELD h 1 WITHSCORES"), "-ERR syntax error\r\n");
}

TEST_F(HashesTest, ScanGoesThroughALargeHash) {
  for (int i = 0; i < 1000; ++i) fixture_.Run({"HSET", "h", "field" + std::to_string(i), "v"});
  std::set<std::string> seen;
  std::string cursor = "0";
  int calls = 0;
  do {
    const std::string reply = fixture_.Run({"HSCAN", "h", cursor, "MATCH", "field*", "NOVALUES"});
    const size_t cursor_at = reply.find("\r\n", 4) + 2;
    cursor = reply.substr(cursor_at, reply.find("\r\n", cursor_at) - cursor_at);
    for (size_t at = reply.find("field"); at != std::string::npos; at = reply.find("field", at + 1)) {
      seen.insert(reply.substr(at, reply.find("\r\n", at) - at));
    }
    ++calls;
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_GT(calls, 20);
}

TEST_F(HashesTest, ScanChecksItsOptionsOnlyForAHashThatIsThere) {
  Do("HSET h a 1");
  EXPECT_EQ(Do("HSCAN h 0"), "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("HSCAN h 0 NOVALUES"), "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("HSCAN h 0 MATCH b"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Do("HSCAN h 0 COUNT 0"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("HSCAN h 0 COUNT x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Do("HSCAN h 0 TYPE string"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("HSCAN none 0 COUNT x"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Do("HSCAN none x"), "-ERR invalid cursor\r\n");
}

}  // namespace
}  // namespace hearth::commands
