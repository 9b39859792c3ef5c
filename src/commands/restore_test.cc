#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"
#include "rdb/testing/rdb_bytes.h"

namespace hearth::commands {
namespace {

using rdb::ValueType;
using rdb::testing::Little;
using rdb::testing::RdbBytes;
using Lines = std::vector<std::string>;

std::string Payload(const RdbBytes& value, uint16_t version = 11) {
  const std::string body = value.bytes() + Little(version);
  return body + Little(Crc64(0, body));
}

std::string Text(std::string_view text) { return Payload(RdbBytes().Type(ValueType::kString).String(text)); }

class RestoreTest : public testing::Test {
 protected:
  RestoreTest() {
    engine::CommandTable& table = fixture_.engine.commands();
    RegisterStrings(table);
    RegisterKeys(table);
    RegisterExpiry(table);
    RegisterSets(table);
    RegisterRestore(table);
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  std::string Restore(const std::vector<std::string>& words) {
    std::vector<std::string> all = {"RESTORE"};
    all.insert(all.end(), words.begin(), words.end());
    return fixture_.Run(all);
  }
  Lines Effects() { return fixture_.TakeEffects(); }

  engine::EngineFixture fixture_;
};

TEST_F(RestoreTest, MakesTheKey) {
  EXPECT_EQ(Restore({"k", "0", Text("value")}), "+OK\r\n");
  EXPECT_EQ(Do("GET k"), "$5\r\nvalue\r\n");
  EXPECT_EQ(Do("TTL k"), ":-1\r\n");
  const std::string payload = Text("v");
  Effects();
  EXPECT_EQ(Restore({"other", "0", payload}), "+OK\r\n");
  EXPECT_EQ(Effects(), Lines{"0: RESTORE other 0 " + payload});
}

TEST_F(RestoreTest, ATimeToLiveIsPassedOnAsItsEnd) {
  const std::string payload = Text("v");
  EXPECT_EQ(Restore({"k", "5000", payload, "IDLETIME", "10"}), "+OK\r\n");
  EXPECT_EQ(Do("PTTL k"), ":5000\r\n");
  const std::string end = std::to_string(fixture_.engine.now_ms() + 5000);
  EXPECT_EQ(Effects(), Lines{"0: RESTORE k " + end + " " + payload + " IDLETIME 10 ABSTTL"});
  EXPECT_EQ(Restore({"k", end, payload, "REPLACE", "ABSTTL"}), "+OK\r\n");
  EXPECT_EQ(Effects(), Lines{"0: RESTORE k " + end + " " + payload + " REPLACE ABSTTL"});
  EXPECT_EQ(Restore({"far", "9223372036854775807", payload}), "+OK\r\n");
}

TEST_F(RestoreTest, AKeyThatIsThereIsReplacedOnlyIfAsked) {
  Do("SADD k a b");
  EXPECT_EQ(Restore({"k", "0", "not looked at"}), "-BUSYKEY Target key name already exists.\r\n");
  EXPECT_EQ(Restore({"k", "0", Text("v"), "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Do("GET k"), "$1\r\nv\r\n");
}

TEST_F(RestoreTest, ATimeThatIsOverLeavesNothing) {
  Do("SET k old");
  Effects();
  EXPECT_EQ(Restore({"k", "1", Text("v"), "REPLACE", "ABSTTL"}), "+OK\r\n");
  EXPECT_EQ(Effects(), Lines{"0: DEL k"});
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
  EXPECT_EQ(Restore({"k", "1", Text("v"), "ABSTTL"}), "+OK\r\n");
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
  EXPECT_TRUE(Effects().empty());
}

TEST_F(RestoreTest, WhatIsWrongLeavesTheOldKeyAlone) {
  Do("SET k old");
  constexpr const char* kWrong = "-ERR DUMP payload version or checksum are wrong\r\n";
  constexpr const char* kBad = "-ERR Bad data format\r\n";
  const RdbBytes text = RdbBytes().Type(ValueType::kString).String("v");
  EXPECT_EQ(Restore({"k", "0", "", "REPLACE"}), kWrong);
  EXPECT_EQ(Restore({"k", "0", Payload(text, 13), "REPLACE"}), kWrong);
  std::string flipped = Payload(text);
  flipped[2] = 'x';
  EXPECT_EQ(Restore({"k", "0", flipped, "REPLACE"}), kWrong);
  EXPECT_EQ(Restore({"k", "0", Payload(RdbBytes()), "REPLACE"}), kBad);
  EXPECT_EQ(Restore({"k", "0", Payload(RdbBytes().Byte(255)), "REPLACE"}), kBad);
  EXPECT_EQ(Restore({"k", "0", Payload(RdbBytes().Type(ValueType::kSet).Length(0)), "REPLACE"}), kBad);
  EXPECT_EQ(Restore({"k", "0", Payload(RdbBytes().Type(ValueType::kString).Length(5)), "REPLACE"}), kBad);
  EXPECT_EQ(Restore({"k", "0", Payload(RdbBytes().Type(ValueType::kModule2).Length(5)), "REPLACE"}), kBad);
  EXPECT_EQ(Do("GET k"), "$3\r\nold\r\n");
}

TEST_F(RestoreTest, OptionsAreCheckedFirst) {
  const std::string payload = Text("v");
  EXPECT_EQ(Restore({"k", "x", payload, "NOSUCH"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Restore({"k", "x", payload, "IDLETIME"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Restore({"k", "0", payload, "IDLETIME", "1", "FREQ", "1"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Restore({"k", "x", payload, "IDLETIME", "-1"}), "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(Restore({"k", "x", payload, "FREQ", "256"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(Restore({"k", "x", payload, "FREQ", "y"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Restore({"k", "x", payload}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Restore({"k", "-1", payload}), "-ERR Invalid TTL value, must be >= 0\r\n");
}

TEST_F(RestoreTest, BringsTheHistoryThatThePolicyUses) {
  EXPECT_EQ(Restore({"k", "0", Text("v"), "IDLETIME", "1000"}), "+OK\r\n");
  EXPECT_EQ(Do("OBJECT IDLETIME k"), ":1000\r\n");
  EXPECT_EQ(Restore({"k", "0", Text("v"), "FREQ", "77", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Do("OBJECT IDLETIME k"), ":0\r\n");
  fixture_.settings.maxmemory_policy = settings::MaxmemoryPolicy::kAllkeysLfu;
  EXPECT_EQ(Restore({"k", "0", Text("v"), "FREQ", "77", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Do("OBJECT FREQ k"), ":77\r\n");
}

}  // namespace
}  // namespace hearth::commands
