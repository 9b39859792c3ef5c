// HEXPIRE and its kin, HGETEX, HSETEX and HGETDEL, and what the other commands make of fields that expire.
#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class HashExpiryTest : public testing::Test {
 protected:
  HashExpiryTest() {
    RegisterHashes(fixture_.engine.commands());
    RegisterKeys(fixture_.engine.commands());
    fixture_.engine.RefreshTime();
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  // After what the test did before is forgotten.
  Lines EffectsOf(std::string_view line) {
    fixture_.TakeEffects();
    Do(line);
    return fixture_.TakeEffects();
  }
  std::string At(int64_t ms_from_now) { return std::to_string(fixture_.engine.now_ms() + ms_from_now); }
  void AdvanceMs(int64_t ms) { fixture_.AdvanceMs(ms); }

  engine::EngineFixture fixture_;
};

TEST_F(HashExpiryTest, EachFieldHasItsOwnAnswer) {
  Do("HSET h a 1 b 2");
  EXPECT_EQ(Do("HEXPIRE h 10 FIELDS 2 a x"), "*2\r\n:1\r\n:-2\r\n");
  EXPECT_EQ(Do("HTTL h FIELDS 3 a b x"), "*3\r\n:10\r\n:-1\r\n:-2\r\n");
  EXPECT_EQ(Do("HPTTL h FIELDS 1 a"), "*1\r\n:10000\r\n");
  EXPECT_EQ(Do("HPEXPIRETIME h FIELDS 1 a"), "*1\r\n:" + At(10000) + "\r\n");
  EXPECT_EQ(Do("HPERSIST h FIELDS 3 a b x"), "*3\r\n:1\r\n:-1\r\n:-2\r\n");
  EXPECT_EQ(Do("HTTL h FIELDS 1 a"), "*1\r\n:-1\r\n");
  EXPECT_EQ(Do("HEXPIRE none 10 FIELDS 2 a b"), "*2\r\n:-2\r\n:-2\r\n");
  EXPECT_EQ(Do("HTTL none FIELDS 1 a"), "*1\r\n:-2\r\n");
  EXPECT_EQ(Do("HPERSIST none FIELDS 1 a"), "*1\r\n:-2\r\n");
}

TEST_F(HashExpiryTest, SecondsLeftAreRoundedUp) {
  Do("HSET h a 1");
  Do("HPEXPIRE h 1001 FIELDS 1 a");
  EXPECT_EQ(Do("HTTL h FIELDS 1 a"), "*1\r\n:2\r\n");
  AdvanceMs(1000);
  EXPECT_EQ(Do("HTTL h FIELDS 1 a"), "*1\r\n:1\r\n");
  Do("HPEXPIREAT h 4000000000001 FIELDS 1 a");
  EXPECT_EQ(Do("HEXPIRETIME h FIELDS 1 a"), "*1\r\n:4000000001\r\n");
  Do("HEXPIREAT h 4000000000 FIELDS 1 a");
  EXPECT_EQ(Do("HEXPIRETIME h FIELDS 1 a"), "*1\r\n:4000000000\r\n");
}

TEST_F(HashExpiryTest, ConditionsLookAtTheOldExpiry) {
  Do("HSET h a 1 b 1");
  EXPECT_EQ(Do("HEXPIRE h 10 XX FIELDS 1 a"), "*1\r\n:0\r\n");
  EXPECT_EQ(Do("HEXPIRE h 10 GT FIELDS 1 a"), "*1\r\n:0\r\n");
  EXPECT_EQ(Do("HEXPIRE h 10 nx FIELDS 1 a"), "*1\r\n:1\r\n");
  EXPECT_EQ(Do("HEXPIRE h 20 NX FIELDS 1 a"), "*1\r\n:0\r\n");
  EXPECT_EQ(Do("HEXPIRE h 10 GT FIELDS 1 a"), "*1\r\n:0\r\n");
  EXPECT_EQ(Do("HEXPIRE h 20 GT FIELDS 1 a"), "*1\r\n:1\r\n");
  EXPECT_EQ(Do("HEXPIRE h 20 LT FIELDS 2 a b"), "*2\r\n:0\r\n:1\r\n");
  EXPECT_EQ(Do("HEXPIRE h 5 LT FIELDS 1 a"), "*1\r\n:1\r\n");
  EXPECT_EQ(Do("HEXPIRE h 30 XX FIELDS 1 a"), "*1\r\n:1\r\n");
}

TEST_F(HashExpiryTest, ArgumentsOutOfOrderAreRefused) {
  Do("HSET h a 1");
  EXPECT_EQ(Do("HEXPIRE h 10 a FIELDS 1 a"),
            "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n");
  EXPECT_EQ(Do("HEXPIRE h 10 FIELDS 0 a"), "-ERR Parameter `numFields` should be greater than 0\r\n");
  EXPECT_EQ(Do("HEXPIRE h 10 FIELDS 2 a"),
            "-ERR The `numfields` parameter must match the number of arguments\r\n");
  EXPECT_EQ(Do("HEXPIRE h -1 FIELDS 1 a"), "-ERR invalid expire time, must be >= 0\r\n");
  EXPECT_EQ(Do("HEXPIRE h x FIELDS 1 a"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Do("HEXPIRE h 9223372036854775807 FIELDS 1 a"),
            "-ERR invalid expire time in 'hexpire' command\r\n");
  EXPECT_EQ(Do("HPEXPIREAT h 70368744177664 FIELDS 1 a"),
            "-ERR invalid expire time in 'hpexpireat' command\r\n");
  EXPECT_EQ(Do("HTTL h FIELDS 0 a"), "-ERR Number of fields must be a positive integer\r\n");
  EXPECT_EQ(Do("HTTL h 1 a a"), "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n");
  EXPECT_EQ(Do("HGETDEL h FIELDS x a"), "-ERR Number of fields must be a positive integer\r\n");
  EXPECT_EQ(Do("HGETEX h EX 1 PERSIST FIELDS 1 a"),
            "-ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified\r\n");
  EXPECT_EQ(Do("HGETEX h FIELDS 0 a"), "-ERR invalid number of fields\r\n");
  EXPECT_EQ(Do("HGETEX h FIELDS 2 a"), "-ERR wrong number of arguments\r\n");
  EXPECT_EQ(Do("HSETEX h KEEPTTL PX 1 FIELDS 1 a 1"),
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified\r\n");
  EXPECT_EQ(Do("HSETEX h FNX FXX FIELDS 1 a 1"),
            "-ERR Only one of FXX or FNX arguments can be specified\r\n");
  EXPECT_EQ(Do("HSETEX h NX FIELDS 1 a 1"), "-ERR unknown argument: NX\r\n");
  EXPECT_EQ(Do("HSETEX h FNX KEEPTTL FNX EX"), "-ERR Only one of FXX or FNX arguments can be specified\r\n");
  EXPECT_EQ(Do("HSETEX h FNX KEEPTTL KEEPTTL EX"),
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified\r\n");
  EXPECT_EQ(Do("HSETEX h FIELDS 2 a 1 b"), "-ERR wrong number of arguments\r\n");
  EXPECT_EQ(Do("HGETALL h"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

TEST_F(HashExpiryTest, EffectsAreAbsoluteAndOnlyOfWhatHappened) {
  Do("HSET h a 1 b 2 c 3 d 4");
  EXPECT_EQ(EffectsOf("HEXPIRE h 10 NX FIELDS 3 a x b"),
            Lines{"0: HPEXPIREAT h " + At(10000) + " FIELDS 2 a b"});
  EXPECT_EQ(EffectsOf("HEXPIRE h 10 NX FIELDS 1 a"), Lines());
  EXPECT_EQ(EffectsOf("HPERSIST h FIELDS 1 a"), Lines{"0: HPERSIST h FIELDS 1 a"});
  EXPECT_EQ(EffectsOf("HPERSIST h FIELDS 1 a"), Lines());
  EXPECT_EQ(EffectsOf("HPEXPIRE h 0 FIELDS 2 a x"), Lines{"0: HDEL h a"});
  EXPECT_EQ(EffectsOf("HGETEX h EX 20 FIELDS 2 b x"), Lines{"0: HPEXPIREAT h " + At(20000) + " FIELDS 1 b"});
  EXPECT_EQ(EffectsOf("HGETEX h FIELDS 1 b"), Lines());
  EXPECT_EQ(EffectsOf("HGETEX h PERSIST FIELDS 2 b c"), Lines{"0: HPERSIST h FIELDS 1 b"});
  EXPECT_EQ(EffectsOf("HGETEX h PXAT 1 FIELDS 1 b"), Lines{"0: HDEL h b"});
  EXPECT_EQ(EffectsOf("HGETDEL h FIELDS 2 c x"), Lines{"0: HDEL h c"});
  EXPECT_EQ(EffectsOf("HSETEX h EX 5 FIELDS 2 e 1 f 2"),
            (Lines{"(", "0: HSET h e 1 f 2", "0: HPEXPIREAT h " + At(5000) + " FIELDS 2 e f", ")"}));
  EXPECT_EQ(EffectsOf("HSETEX h KEEPTTL FIELDS 2 e 3 d 4"),
            (Lines{"(", "0: HSET h e 3 d 4", "0: HPEXPIREAT h " + At(5000) + " FIELDS 1 e", ")"}));
  EXPECT_EQ(EffectsOf("HINCRBYFLOAT h e 1"),
            (Lines{"(", "0: HSET h e 4", "0: HPEXPIREAT h " + At(5000) + " FIELDS 1 e", ")"}));
  EXPECT_EQ(EffectsOf("HSETEX h FNX FIELDS 1 e 1"), Lines());
  EXPECT_EQ(EffectsOf("HSETEX h PXAT 1 FIELDS 1 e 1"), Lines{"0: HDEL h e"});
  EXPECT_EQ(EffectsOf("HSETEX h FIELDS 1 g 1"), Lines{"0: HSET h g 1"});
}

TEST_F(HashExpiryTest, ExpiredFieldsArePassedOnBeforeTheCommandThatMetThem) {
  Do("HSET h a 1 b 2 c 3");
  Do("HPEXPIRE h 10 FIELDS 2 a b");
  AdvanceMs(11);
  EXPECT_EQ(EffectsOf("HSET h a 5"), (Lines{"(", "0: HDEL h a b", "0: HSET h a 5", ")"}));
  Do("HPEXPIRE h 10 FIELDS 2 a c");
  AdvanceMs(11);
  EXPECT_EQ(EffectsOf("HGET h a"), Lines{"0: HDEL h a c"});
  EXPECT_EQ(Do("EXISTS h"), ":0\r\n");
}

TEST_F(HashExpiryTest, NoReaderShowsAnExpiredField) {
  for (const char* limit : {"128", "0"}) {
    fixture_.settings.hash_max_listpack_entries = std::stoi(limit);
    Do("DEL h");
    Do("HSET h a 1 b 2");
    Do("HPEXPIRE h 10 FIELDS 1 a");
    fixture_.engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kHide);
    AdvanceMs(11);
    EXPECT_EQ(Do("HGET h a"), "$-1\r\n");
    EXPECT_EQ(Do("HMGET h a b"), "*2\r\n$-1\r\n$1\r\n2\r\n");
    EXPECT_EQ(Do("HEXISTS h a"), ":0\r\n");
    EXPECT_EQ(Do("HSTRLEN h a"), ":0\r\n");
    EXPECT_EQ(Do("HLEN h"), ":1\r\n");
    EXPECT_EQ(Do("HGETALL h"), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_EQ(Do("HKEYS h"), "*1\r\n$1\r\nb\r\n");
    EXPECT_EQ(Do("HVALS h"), "*1\r\n$1\r\n2\r\n");
    EXPECT_EQ(Do("HSCAN h 0"), "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_EQ(Do("HRANDFIELD h"), "$1\r\nb\r\n");
    EXPECT_EQ(Do("HRANDFIELD h 2"), "*1\r\n$1\r\nb\r\n");
    EXPECT_EQ(Do("HRANDFIELD h -2"), "*2\r\n$1\r\nb\r\n$1\r\nb\r\n");
    EXPECT_EQ(Do("HTTL h FIELDS 1 a"), "*1\r\n:-2\r\n");
    Do("HPEXPIRE h 1 FIELDS 1 b");
    AdvanceMs(2);
    EXPECT_EQ(Do("HRANDFIELD h"), "$-1\r\n");
    EXPECT_EQ(Do("HRANDFIELD h -2"), "*0\r\n");
    EXPECT_EQ(Do("HGETALL h"), "*0\r\n");
    fixture_.engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kRemove);
  }
}

TEST_F(HashExpiryTest, SettingDropsAnExpiryAndCountingKeepsIt) {
  Do("HSET h a 1 b 2 c 3");
  Do("HEXPIRE h 10 FIELDS 3 a b c");
  Do("HSET h a 5");
  Do("HINCRBY h b 1");
  Do("HINCRBYFLOAT h c 0.5");
  EXPECT_EQ(Do("HTTL h FIELDS 3 a b c"), "*3\r\n:-1\r\n:10\r\n:10\r\n");
  EXPECT_EQ(Do("HMGET h a b c"), "*3\r\n$1\r\n5\r\n$1\r\n3\r\n$3\r\n3.5\r\n");
  EXPECT_EQ(Do("HSETNX h b 1"), ":0\r\n");
  Do("COPY h copy");
  Do("RENAME h renamed");
  EXPECT_EQ(Do("HTTL copy FIELDS 3 a b c"), "*3\r\n:-1\r\n:10\r\n:10\r\n");
  EXPECT_EQ(Do("HTTL renamed FIELDS 3 a b c"), "*3\r\n:-1\r\n:10\r\n:10\r\n");
}

TEST_F(HashExpiryTest, GetExReadsAndSetsOrClears) {
  Do("HSET h a 1 b two");
  EXPECT_EQ(Do("HGETEX h EX 10 FIELDS 3 a x b"), "*3\r\n$1\r\n1\r\n$-1\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(Do("HTTL h FIELDS 2 a b"), "*2\r\n:10\r\n:10\r\n");
  EXPECT_EQ(Do("HGETEX h PERSIST FIELDS 1 a"), "*1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("HGETEX h FIELDS 1 b"), "*1\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(Do("HTTL h FIELDS 2 a b"), "*2\r\n:-1\r\n:10\r\n");
  EXPECT_EQ(Do("HGETEX none EX 10 FIELDS 2 a b"), "*2\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(Do("HGETEX h PX 0 FIELDS 2 a b"), "*2\r\n$1\r\n1\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(Do("EXISTS h"), ":0\r\n");
}

TEST_F(HashExpiryTest, GetDelTakesFieldsAndThenTheKey) {
  Do("HSET h a 1 b 2");
  EXPECT_EQ(Do("HGETDEL h FIELDS 3 a x a"), "*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(Do("HGETDEL h FIELDS 1 b"), "*1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("EXISTS h"), ":0\r\n");
  EXPECT_EQ(Do("HGETDEL h FIELDS 1 b"), "*1\r\n$-1\r\n");
}

TEST_F(HashExpiryTest, SetExSetsAllFieldsOrNone) {
  EXPECT_EQ(Do("HSETEX h FXX FIELDS 1 a 1"), ":0\r\n");
  EXPECT_EQ(Do("EXISTS h"), ":0\r\n");
  EXPECT_EQ(Do("HSETEX h FNX EX 10 FIELDS 2 a 1 b 2"), ":1\r\n");
  EXPECT_EQ(Do("HSETEX h FNX FIELDS 2 c 1 b 2"), ":0\r\n");
  EXPECT_EQ(Do("HSETEX h FXX FIELDS 2 a 1 c 2"), ":0\r\n");
  EXPECT_EQ(Do("HSETEX h FXX KEEPTTL FIELDS 1 a 3"), ":1\r\n");
  EXPECT_EQ(Do("HSETEX h FIELDS 1 b 4"), ":1\r\n");
  EXPECT_EQ(Do("HTTL h FIELDS 2 a b"), "*2\r\n:10\r\n:-1\r\n");
  EXPECT_EQ(Do("HMGET h a b"), "*2\r\n$1\r\n3\r\n$1\r\n4\r\n");
  EXPECT_EQ(Do("HSETEX h PXAT 1 FIELDS 2 a 3 b 4"), ":1\r\n");
  EXPECT_EQ(Do("EXISTS h"), ":0\r\n");
}

}  // namespace
}  // namespace hearth::commands
