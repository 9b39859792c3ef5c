#include "ds/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth::ds {
namespace {

constexpr int kSteps = 26;  // bits of each coordinate in a number
constexpr double kEarthRadius = 6372797.560856;
constexpr double kMercatorMax = 20037726.37;
constexpr double kRadian = std::numbers::pi / 180;

double ToRadians(double degrees) { return degrees * kRadian; }
double ToDegrees(double radians) { return radians / kRadian; }

// Puts a zero bit before each of 32 bits, and takes it out again.
uint64_t Spread(uint32_t bits) {
  uint64_t x = bits;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x << 2) & 0x3333333333333333;
  return (x | x << 1) & 0x5555555555555555;
}

uint32_t Gather(uint64_t x) {
  x &= 0x5555555555555555;
  x = (x | x >> 1) & 0x3333333333333333;
  x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x >> 4) & 0x00ff00ff00ff00ff;
  x = (x | x >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(x | x >> 16);
}

// A cell of the map cut 2^steps times each way. A point on the map's upper edge falls in the cell beyond the
// last.
struct Cell {
  uint32_t longitude;
  uint32_t latitude;

  uint64_t bits() const { return Spread(latitude) | Spread(longitude) << 1; }
};

uint32_t Cut(double value, double max, int steps) {
  return static_cast<uint32_t>((value + max) / (max + max) * static_cast<double>(uint64_t{1} << steps));
}

Cell CellOf(const GeoPoint& point, double max_latitude, int steps) {
  return {Cut(point.longitude, kMaxLongitude, steps), Cut(point.latitude, max_latitude, steps)};
}

// The lower edge of a row or column of cells.
double Edge(uint64_t index, double max, int steps) {
  return -max + (static_cast<double>(index) / static_cast<double>(uint64_t{1} << steps)) * (max + max);
}

struct Box {
  GeoPoint min;
  GeoPoint max;
};

Box BoxOf(const Cell& cell, int steps) {
  return {{Edge(cell.longitude, kMaxLongitude, steps), Edge(cell.latitude, kMaxLatitude, steps)},
          {Edge(uint64_t{cell.longitude} + 1, kMaxLongitude, steps),
           Edge(uint64_t{cell.latitude} + 1, kMaxLatitude, steps)}};
}

// The cell so many columns and rows away; the map goes round both ways.
Cell Neighbour(const Cell& cell, int columns, int rows, int steps) {
  const uint32_t mask = static_cast<uint32_t>((uint64_t{1} << steps) - 1);
  return {columns == 0 ? cell.longitude : (cell.longitude + static_cast<uint32_t>(columns)) & mask,
          rows == 0 ? cell.latitude : (cell.latitude + static_cast<uint32_t>(rows)) & mask};
}

double LatitudeDistance(double a, double b) { return kEarthRadius * std::fabs(ToRadians(b) - ToRadians(a)); }

// The degrees that the shape reaches over, by the side that is nearer to its pole and so wider in degrees.
Box Bounds(const GeoShape& shape) {
  const double height = shape.is_box ? shape.height / 2 : shape.radius;
  const double width = shape.is_box ? shape.width / 2 : shape.radius;
  const auto [longitude, latitude] = shape.center;
  const double rows = ToDegrees(height / kEarthRadius);
  const double toward_pole = latitude < 0 ? latitude - rows : latitude + rows;
  const double columns = ToDegrees(width / kEarthRadius / std::cos(ToRadians(toward_pole)));
  return {{longitude - columns, latitude - rows}, {longitude + columns, latitude + rows}};
}

// How fine a cut has cells about as large as the radius; nearer to the poles cells are narrower.
int StepsForRadius(double radius, double latitude) {
  if (radius == 0) return kSteps;
  int steps = 1;
  for (; radius < kMercatorMax; radius *= 2) ++steps;
  steps -= 2;
  if (std::fabs(latitude) > 66) --steps;
  if (std::fabs(latitude) > 80) --steps;
  return std::clamp(steps, 1, kSteps);
}

// Whether the neighbours on some side end before the shape does.
bool IsTooFine(const Cell& cell, int steps, const Box& bounds) {
  return BoxOf(Neighbour(cell, 0, 1, steps), steps).max.latitude < bounds.max.latitude ||
         BoxOf(Neighbour(cell, 0, -1, steps), steps).min.latitude > bounds.min.latitude ||
         BoxOf(Neighbour(cell, 1, 0, steps), steps).max.longitude < bounds.max.longitude ||
         BoxOf(Neighbour(cell, -1, 0, steps), steps).min.longitude > bounds.min.longitude;
}

uint64_t NumberOfScore(double score) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (score < 0) return static_cast<uint64_t>(score >= -kTwo63 ? static_cast<int64_t>(score) : INT64_MIN);
  return score < 2 * kTwo63 ? static_cast<uint64_t>(score) : 0;
}

}  // namespace

bool IsOnMap(const GeoPoint& point) {
  return point.longitude >= -kMaxLongitude && point.longitude <= kMaxLongitude &&
         point.latitude >= -kMaxLatitude && point.latitude <= kMaxLatitude;
}

uint64_t GeoNumber(const GeoPoint& point) { return CellOf(point, kMaxLatitude, kSteps).bits(); }

GeoPoint GeoPointOfScore(double score) {
  const uint64_t number = NumberOfScore(score);
  const Box box = BoxOf({Gather(number >> 1), Gather(number)}, kSteps);
  return {std::clamp((box.min.longitude + box.max.longitude) / 2, -kMaxLongitude, kMaxLongitude),
          std::clamp((box.min.latitude + box.max.latitude) / 2, -kMaxLatitude, kMaxLatitude)};
}

std::array<char, 11> GeoHashLetters(const GeoPoint& point) {
  constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr double kPole = 90;
  const uint64_t bits = CellOf(point, kPole, kSteps).bits();
  std::array<char, 11> letters;
  letters.fill(kAlphabet[0]);
  for (size_t i = 0; i < 10; ++i) letters[i] = kAlphabet[bits >> (52 - 5 * (i + 1)) & 0x1f];
  return letters;
}

double GeoDistance(const GeoPoint& a, const GeoPoint& b) {
  const double v = std::sin((ToRadians(b.longitude) - ToRadians(a.longitude)) / 2);
  if (v == 0) return LatitudeDistance(a.latitude, b.latitude);
  const double a_latitude = ToRadians(a.latitude);
  const double b_latitude = ToRadians(b.latitude);
  const double u = std::sin((b_latitude - a_latitude) / 2);
  const double h = u * u + std::cos(a_latitude) * std::cos(b_latitude) * v * v;
  return 2.0 * kEarthRadius * std::asin(std::sqrt(h));
}

std::optional<double> GeoShape::Contains(const GeoPoint& point) const {
  // The distance along the meridian is cheap, and never more than the whole one but for rounding.
  constexpr double kRounding = 1 + 1e-9;
  const double along_meridian = LatitudeDistance(point.latitude, center.latitude);
  if (along_meridian > (is_box ? height / 2 : radius * kRounding)) return std::nullopt;
  if (is_box && GeoDistance(point, {center.longitude, point.latitude}) > width / 2) return std::nullopt;
  const double distance = GeoDistance(center, point);
  if (!is_box && distance > radius) return std::nullopt;
  return distance;
}

GeoRanges::GeoRanges(const GeoShape& shape) {
  const Box bounds = Bounds(shape);
  const double radius =
      shape.is_box ? std::sqrt(shape.width / 2 * (shape.width / 2) + shape.height / 2 * (shape.height / 2))
                   : shape.radius;
  int steps = StepsForRadius(radius, shape.center.latitude);
  if (steps > 1 && IsTooFine(CellOf(shape.center, kMaxLatitude, steps), steps, bounds)) --steps;
  const Cell center = CellOf(shape.center, kMaxLatitude, steps);
  const Box box = BoxOf(center, steps);
  // Only with fewer than four columns and rows may a neighbour on one side be needed for the other.
  const bool may_skip = steps >= 2;
  const bool skip_south = may_skip && box.min.latitude < bounds.min.latitude;
  const bool skip_north = may_skip && box.max.latitude > bounds.max.latitude;
  const bool skip_west = may_skip && box.min.longitude < bounds.min.longitude;
  const bool skip_east = may_skip && box.max.longitude > bounds.max.longitude;

  constexpr struct {
    int columns;
    int rows;
  } kOrder[] = {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  for (const auto& [columns, rows] : kOrder) {
    if ((rows > 0 && skip_north) || (rows < 0 && skip_south) || (columns > 0 && skip_east) ||
        (columns < 0 && skip_west)) {
      continue;
    }
    const uint64_t bits = Neighbour(center, columns, rows, steps).bits();
    const int unused = 2 * (kSteps - steps);
    const ScoreRange range{bits << unused, (bits + 1) << unused};
    // Where the map goes round, two neighbours may be one cell. Redis looks back by one cell only, but never
    // past the first one.
    if (count_ > 1 && ranges_[count_ - 1].first == range.first) continue;
    ranges_[count_++] = range;
  }
}

}  // namespace hearth::ds
