#include <gtest/gtest.h>

#include "base/crc64.h"
#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using namespace std::string_literals;

class DumpTest : public testing::Test {
 protected:
  DumpTest() {
    engine::CommandTable& table = fixture_.engine.commands();
    RegisterStrings(table);
    RegisterDump(table);
    RegisterLists(table);
    RegisterSets(table);
    RegisterSortedSets(table);
    RegisterHashes(table);
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  // What DUMP gives for the key, without version and checksum, which are checked.
  std::string Body(std::string_view key) {
    const std::string reply = Do("DUMP " + std::string(key));
    const size_t start = reply.find("\r\n") + 2;
    const std::string payload = reply.substr(start, reply.size() - start - 2);
    const size_t size = payload.size() - 10;
    EXPECT_EQ(payload.substr(size, 2), "\x0b\0"s);
    const uint64_t checksum = Crc64(0, std::string_view(payload).substr(0, size + 2));
    EXPECT_EQ(payload.substr(size + 2), std::string(reinterpret_cast<const char*>(&checksum), 8));
    return payload.substr(0, size);
  }

  engine::EngineFixture fixture_;
};

TEST_F(DumpTest, AMissingKeyGivesNull) { EXPECT_EQ(Do("DUMP nothing"), "$-1\r\n"); }

TEST_F(DumpTest, SmallValuesOfEveryType) {
  Do("SET s hello");
  Do("RPUSH l a 1");
  Do("SADD i 1 2");
  Do("SADD m a");
  Do("ZADD z 1 a");
  Do("HSET h f v");
  EXPECT_EQ(Body("s"), "\x00\x05hello"s);
  EXPECT_EQ(Body("l"), "\x12\x01\x02\x0c\x0c\0\0\0\x02\0\x81\x61\x02\x01\x01\xff"s);
  EXPECT_EQ(Body("i"), "\x0b\x0c\x02\0\0\0\x02\0\0\0\x01\0\x02\0"s);
  EXPECT_EQ(Body("m"), "\x14\x0a\x0a\0\0\0\x01\0\x81\x61\x02\xff"s);
  EXPECT_EQ(Body("z"), "\x11\x0c\x0c\0\0\0\x02\0\x81\x61\x02\x01\x01\xff"s);
  EXPECT_EQ(Body("h"), "\x10\x0d\x0d\0\0\0\x02\0\x81\x66\x02\x81\x76\x02\xff"s);
}

TEST_F(DumpTest, CompressionIsASetting) {
  const std::string text(50, 'a');
  Do("SET s " + text);
  EXPECT_LT(Body("s").size(), 20u);
  fixture_.settings.rdbcompression = false;
  EXPECT_EQ(Body("s"), "\x00\x32"s + text);
}

}  // namespace
}  // namespace hearth::commands
