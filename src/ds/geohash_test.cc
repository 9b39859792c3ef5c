#include "ds/geohash.h"

#include <gtest/gtest.h>

#include <string_view>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

constexpr GeoPoint kPalermo{13.361389, 38.115556};
constexpr GeoPoint kCatania{15.087269, 37.502669};

GeoPoint RandomPoint(Prng& random) {
  return {(random.Unit() - 0.5) * 2 * kMaxLongitude, (random.Unit() - 0.5) * 2 * kMaxLatitude};
}

TEST(GeohashTest, KnownPlacesHaveTheirKnownNumbers) {
  EXPECT_EQ(GeoNumber(kPalermo), 3479099956230698u);
  EXPECT_EQ(GeoNumber(kCatania), 3479447370796909u);
  const GeoPoint point = GeoPointOfScore(3479099956230698.0);
  EXPECT_DOUBLE_EQ(point.longitude, 13.36138933897018433);
  EXPECT_DOUBLE_EQ(point.latitude, 38.11555639549629859);
  const auto letters = GeoHashLetters(point);
  EXPECT_EQ(std::string_view(letters.data(), letters.size()), "sqc8b49rny0");
  EXPECT_NEAR(GeoDistance(point, GeoPointOfScore(3479447370796909.0)), 166274.1516, 0.00005);
}

TEST(GeohashTest, TheMapHasEdges) {
  EXPECT_TRUE(IsOnMap({180, 85.05112878}));
  EXPECT_TRUE(IsOnMap({-180, -85.05112878}));
  EXPECT_FALSE(IsOnMap({180.1, 0}));
  EXPECT_FALSE(IsOnMap({0, 86}));
  EXPECT_EQ(GeoNumber({-180, -85.05112878}), 0u);
}

TEST(GeohashTest, AnyScoreNamesAPlaceOnTheMap) {
  Prng random(TestSeed());
  for (double score : {0.0, -1.0, 1e18, 1e19, 1e300, -1e300, 0.5, -0.5, 4503599627370496.0}) {
    EXPECT_TRUE(IsOnMap(GeoPointOfScore(score))) << score;
  }
  for (int round = 0; round < 1000; ++round) {
    const GeoPoint point = RandomPoint(random);
    const GeoPoint back = GeoPointOfScore(static_cast<double>(GeoNumber(point)));
    EXPECT_LT(GeoDistance(point, back), 1);
  }
}

TEST(GeohashTest, RangesHoldEveryPlaceInTheShape) {
  Prng random(TestSeed());
  for (int round = 0; round < 300; ++round) {
    GeoShape shape;
    // Away from the date line, which a shape of this map does not reach across at small radii, and from the
    // poles.
    shape.center = {(random.Unit() - 0.5) * 240, (random.Unit() - 0.5) * 120};
    shape.is_box = random.Below(2) == 0;
    const double size = 10.0 * static_cast<double>(uint64_t{1} << random.Below(16));
    shape.radius = size;
    shape.width = size * (0.5 + random.Unit());
    shape.height = size * (0.5 + random.Unit());
    const GeoRanges ranges(shape);
    for (int i = 0; i < 200; ++i) {
      const double degrees = size / 50000;
      const GeoPoint near{shape.center.longitude + (random.Unit() - 0.5) * degrees,
                          shape.center.latitude + (random.Unit() - 0.5) * degrees};
      if (!IsOnMap(near)) continue;
      const uint64_t number = GeoNumber(near);
      if (!shape.Contains(GeoPointOfScore(static_cast<double>(number)))) continue;
      bool is_held = false;
      for (const ScoreRange& range : ranges) is_held |= number >= range.first && number < range.last;
      EXPECT_TRUE(is_held) << shape.center.longitude << " " << shape.center.latitude << " " << size;
    }
  }
}

TEST(GeohashTest, ABoxIsNarrowerThanTheCircleAroundIt) {
  GeoShape box{.center = {0, 0}, .is_box = true, .width = 2000, .height = 1000};
  EXPECT_TRUE(box.Contains({0.008, 0.004}));
  EXPECT_FALSE(box.Contains({0.008, 0.005}));
  EXPECT_FALSE(box.Contains({0.0095, 0.0}));
  GeoShape circle{.center = {0, 0}, .radius = 1000};
  EXPECT_TRUE(circle.Contains({0, 0.0089}));
  EXPECT_FALSE(circle.Contains({0, 0.0091}));
  EXPECT_EQ(circle.Contains({0, 0}), 0.0);
}

}  // namespace
}  // namespace hearth::ds
