#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class GeoTest : public testing::Test {
 protected:
  GeoTest() {
    RegisterStrings(fixture_.engine.commands());
    RegisterKeys(fixture_.engine.commands());
    RegisterGeo(fixture_.engine.commands());
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  std::vector<std::string> Effects() { return fixture_.TakeEffects(); }
  void AddSicily() { Do("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"); }

  engine::EngineFixture fixture_;
};

TEST_F(GeoTest, AddsPlacesAndPassesThemOnAsScores) {
  EXPECT_EQ(Do("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"), ":2\r\n");
  EXPECT_EQ(Do("GEOADD g CH XX 13.361389 38.115556 Palermo"), ":0\r\n");
  EXPECT_EQ(Do("GEOADD g CH 13.5 38 Palermo"), ":1\r\n");
  EXPECT_EQ(Effects().front(), "0: ZADD g 3479099956230698 Palermo 3479447370796909 Catania");
  EXPECT_EQ(Do("GEOADD none XX 13.5 38 Palermo"), ":0\r\n");
  EXPECT_EQ(Do("EXISTS none"), ":0\r\n");
}

TEST_F(GeoTest, RefusesPlacesOffTheMap) {
  EXPECT_EQ(Do("GEOADD g 200 2 m"), "-ERR invalid longitude,latitude pair 200.000000,2.000000\r\n");
  EXPECT_EQ(Do("GEOADD g a 2 m"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Do("GEOADD g NX XX 1 2 m"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("EXISTS g"), ":0\r\n");
}

TEST_F(GeoTest, TellsDistancesHashesAndPositions) {
  AddSicily();
  EXPECT_EQ(Do("GEODIST g Palermo Catania"), "$11\r\n166274.1516\r\n");
  EXPECT_EQ(Do("GEODIST g Palermo Catania mi"), "$8\r\n103.3182\r\n");
  EXPECT_EQ(Do("GEODIST g Palermo nobody"), "$-1\r\n");
  EXPECT_EQ(Do("GEODIST none a b parsec"), "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n");
  EXPECT_EQ(Do("GEOHASH g Palermo nobody"), "*2\r\n$11\r\nsqc8b49rny0\r\n$-1\r\n");
  EXPECT_EQ(Do("GEOPOS g Palermo nobody"),
            "*2\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n*-1\r\n");
}

TEST_F(GeoTest, SearchesACircleOrABox) {
  AddSicily();
  EXPECT_EQ(Do("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC"),
            "*2\r\n$7\r\nCatania\r\n$7\r\nPalermo\r\n");
  EXPECT_EQ(Do("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km"), "*1\r\n$7\r\nCatania\r\n");
  EXPECT_EQ(Do("GEOSEARCH g FROMMEMBER Palermo BYBOX 400 400 km DESC COUNT 1"), "*1\r\n$7\r\nCatania\r\n");
  EXPECT_EQ(Do("GEORADIUSBYMEMBER g Palermo 10 km WITHDIST"),
            "*1\r\n*2\r\n$7\r\nPalermo\r\n$6\r\n0.0000\r\n");
  EXPECT_EQ(Do("GEORADIUS_RO g 15 37 200 km WITHHASH COUNT 1"),
            "*1\r\n*2\r\n$7\r\nCatania\r\n:3479447370796909\r\n");
  EXPECT_EQ(Do("GEOSEARCH none FROMMEMBER x BYRADIUS 1 km"), "*0\r\n");
}

TEST_F(GeoTest, StoresWhatItFinds) {
  AddSicily();
  Do("SET d x");
  EXPECT_EQ(Do("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km"), ":2\r\n");
  EXPECT_EQ(Do("GEODIST d Palermo Catania"), "$11\r\n166274.1516\r\n");
  EXPECT_EQ(Do("GEORADIUS g 15 37 100 km STORE g"), ":1\r\n");
  EXPECT_EQ(Do("GEOHASH g Palermo"), "*1\r\n$-1\r\n");
  EXPECT_EQ(Do("GEOSEARCHSTORE d none FROMMEMBER x BYRADIUS 1 km"), ":0\r\n");
  EXPECT_EQ(Do("EXISTS d"), ":0\r\n");
}

TEST_F(GeoTest, RefusesOptionsThatDoNotGoTogether) {
  AddSicily();
  EXPECT_EQ(Do("GEOSEARCH g FROMMEMBER x BYRADIUS 1 km"), "-ERR could not decode requested zset member\r\n");
  EXPECT_EQ(Do("geosearch g BYRADIUS 1 km ASC ASC"),
            "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch\r\n");
  EXPECT_EQ(Do("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 km BYBOX 1 1 km"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 km ANY"),
            "-ERR the ANY argument requires COUNT argument\r\n");
  EXPECT_EQ(
      Do("GEORADIUS g 15 37 200 km STORE d WITHDIST"),
      "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options\r\n");
  EXPECT_EQ(Do("GEORADIUS_RO g 15 37 200 km STORE d"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace hearth::commands
