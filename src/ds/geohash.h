// Places on the earth as 52-bit numbers: the bits of longitude and latitude by turns (Morton 1966), so that
// places near each other mostly have numbers near each other, and a search around a place is a few ranges of
// numbers. Longitudes are -180..180, latitudes those of the Web Mercator map. The earth is a sphere,
// distances are haversine, in metres.
//
// Pure functions; any thread. The order of the floating-point operations is part of the interface: clients
// see the digits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace hearth::ds {

inline constexpr double kMaxLongitude = 180;
inline constexpr double kMaxLatitude = 85.05112878;

struct GeoPoint {
  double longitude;
  double latitude;
};

// Whether the point is on the map.
bool IsOnMap(const GeoPoint& point);

// The number of a point that is on the map.
uint64_t GeoNumber(const GeoPoint& point);
// The middle of the cell that the score of a sorted set's member names, whatever number it is; always on the
// map.
GeoPoint GeoPointOfScore(double score);

// The 11 letters of the common geohash (base 32, latitudes to the poles); the last is always '0', since 52
// bits end before it.
std::array<char, 11> GeoHashLetters(const GeoPoint& point);

double GeoDistance(const GeoPoint& a, const GeoPoint& b);

// What a search looks in; sizes in metres.
struct GeoShape {
  GeoPoint center;
  bool is_box = false;
  double radius = 0;
  double width = 0;  // from east to west
  double height = 0;

  // The distance from the centre, if the point is inside.
  std::optional<double> Contains(const GeoPoint& point) const;
};

// Scores from `first` up to but without `last`.
struct ScoreRange {
  uint64_t first;
  uint64_t last;
};

// Ranges that together hold every place in the shape, and others around it. They come in the order of Redis,
// which clients see in results that are not sorted: the cell of the centre, then its neighbours north, south,
// east, west, north-east, north-west, south-east, south-west, without those that the shape cannot reach.
class GeoRanges {
 public:
  explicit GeoRanges(const GeoShape& shape);
  const ScoreRange* begin() const { return ranges_.data(); }
  const ScoreRange* end() const { return ranges_.data() + count_; }

 private:
  std::array<ScoreRange, 9> ranges_;
  size_t count_ = 0;
};

}  // namespace hearth::ds
