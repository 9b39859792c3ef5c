// Places within a circle or a box: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS and GEORADIUSBYMEMBER
// with their read-only forms. All are one search; they differ in where their arguments stand and which
// options they take.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "commands/element_reply.h"
#include "commands/geo.h"
#include "keyspace/sorted_set_value.h"

namespace hearth::commands {
namespace {

using ds::GeoPoint;
using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::SortedSetContents;
using keyspace::SortedSetReader;
using keyspace::SortedSetValue;

enum class Form : uint8_t { kSearch, kSearchStore, kRadius, kRadiusRo, kRadiusByMember, kRadiusByMemberRo };

bool IsSearch(Form form) { return form == Form::kSearch || form == Form::kSearchStore; }
bool IsReadOnly(Form form) { return form == Form::kRadiusRo || form == Form::kRadiusByMemberRo; }

enum class Order : uint8_t { kNone, kNearest, kFarthest };

struct Request {
  ds::GeoShape shape;
  double unit = 1;  // in metres
  bool has_point = false;
  bool has_member = false;
  bool has_radius = false;
  bool has_box = false;
  bool with_distance = false;
  bool with_hash = false;
  bool with_point = false;
  bool takes_any = false;
  bool stores_distance = false;
  Order order = Order::kNone;
  int64_t count = 0;     // 0: all
  size_t store_key = 0;  // the argument; 0: the result is replied
};

// Reads the arguments of one command into a Request. Each member gives false once an error has been replied.
class RequestParser {
 public:
  // `source` is the searched sorted set, or null.
  RequestParser(Context& ctx, Form form, const Entry* source) : ctx_(ctx), form_(form), source_(source) {}

  bool Parse();
  const Request& request() const { return request_; }

 private:
  bool ParseFixed();
  bool ParseOption();
  bool ParseSearchOption();
  bool CheckCombination();
  bool TakeMember(size_t i);
  bool TakePoint(size_t i);
  bool TakeRadius(size_t i);
  bool TakeBox(size_t i);
  bool TakeCount(size_t i);
  bool Fail(std::string_view error) {
    ctx_.Error(error);
    return false;
  }
  // Whether the option at hand is `word`, followed by as many arguments at least.
  bool Is(std::string_view word, size_t arguments = 0) const {
    return next_ + arguments < ctx_.size() && ctx_.Is(next_, word);
  }

  Context& ctx_;
  const Form form_;
  const Entry* const source_;
  Request request_;
  size_t next_ = 0;  // the argument to be read
};

bool RequestParser::Parse() {
  if (!ParseFixed()) return false;
  while (next_ < ctx_.size()) {
    if (!ParseOption()) return false;
  }
  return CheckCombination();
}

// What stands before the options.
bool RequestParser::ParseFixed() {
  switch (form_) {
    case Form::kSearch:
      next_ = 2;
      return true;
    case Form::kSearchStore:
      request_.store_key = 1;
      next_ = 3;
      return true;
    case Form::kRadius:
    case Form::kRadiusRo:
      next_ = 6;
      return TakePoint(2) && TakeRadius(4);
    case Form::kRadiusByMember:
    case Form::kRadiusByMemberRo:
      next_ = 5;
      // Without a source nothing is found whatever the arguments are, and Redis does not look at them.
      return source_ == nullptr || (TakeMember(2) && TakeRadius(3));
  }
  return true;
}

bool RequestParser::ParseOption() {
  const bool may_store = !IsSearch(form_) && !IsReadOnly(form_);
  if (Is("withdist")) {
    request_.with_distance = true;
  } else if (Is("withhash")) {
    request_.with_hash = true;
  } else if (Is("withcoord")) {
    request_.with_point = true;
  } else if (Is("any")) {
    request_.takes_any = true;
  } else if (Is("asc")) {
    request_.order = Order::kNearest;
  } else if (Is("desc")) {
    request_.order = Order::kFarthest;
  } else if (Is("count", 1)) {
    if (!TakeCount(++next_)) return false;
  } else if (may_store && (Is("store", 1) || Is("storedist", 1))) {
    request_.stores_distance = Is("storedist", 1);
    request_.store_key = ++next_;
  } else if (IsSearch(form_)) {
    return ParseSearchOption();
  } else {
    ctx_.SyntaxError();
    return false;
  }
  ++next_;
  return true;
}

bool RequestParser::ParseSearchOption() {
  const size_t at = next_ + 1;
  if (Is("frommember", 1) && !request_.has_point) {
    request_.has_member = true;
    next_ += 2;
    return source_ == nullptr || TakeMember(at);
  }
  if (Is("fromlonlat", 2) && !request_.has_member) {
    request_.has_point = true;
    next_ += 3;
    return TakePoint(at);
  }
  if (Is("byradius", 2) && !request_.has_box) {
    request_.has_radius = true;
    next_ += 3;
    return TakeRadius(at);
  }
  if (Is("bybox", 3) && !request_.has_radius) {
    request_.has_box = true;
    next_ += 4;
    return TakeBox(at);
  }
  if (form_ == Form::kSearchStore && Is("storedist")) {
    request_.stores_distance = true;
    ++next_;
    return true;
  }
  ctx_.SyntaxError();
  return false;
}

bool RequestParser::CheckCombination() {
  if (request_.store_key != 0 && (request_.with_distance || request_.with_hash || request_.with_point)) {
    return Fail(fmt::format("ERR {} is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                            form_ == Form::kSearchStore ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS"));
  }
  if (IsSearch(form_) && !request_.has_member && !request_.has_point) {
    return Fail(fmt::format("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {}", ctx_[0]));
  }
  if (IsSearch(form_) && !request_.has_radius && !request_.has_box) {
    return Fail(fmt::format("ERR exactly one of BYRADIUS and BYBOX can be specified for {}", ctx_[0]));
  }
  if (request_.takes_any && request_.count == 0) return Fail("ERR the ANY argument requires COUNT argument");
  // The first so many mean the nearest so many, unless any will do.
  if (request_.count != 0 && request_.order == Order::kNone && !request_.takes_any)
    request_.order = Order::kNearest;
  return true;
}

bool RequestParser::TakeMember(size_t i) {
  const auto point = GeoPointOfMember(*source_, ctx_[i]);
  if (!point) return Fail("ERR could not decode requested zset member");
  request_.shape.center = *point;
  return true;
}

bool RequestParser::TakePoint(size_t i) {
  const auto point = GeoPointArgument(ctx_, i);
  if (point) request_.shape.center = *point;
  return point.has_value();
}

bool RequestParser::TakeRadius(size_t i) {
  const auto radius = ctx_.Double(i, "ERR need numeric radius");
  if (!radius) return false;
  if (*radius < 0) return Fail("ERR radius cannot be negative");
  const auto unit = GeoUnitArgument(ctx_, i + 1);
  if (!unit) return false;
  request_.unit = *unit;
  request_.shape.radius = *radius * *unit;
  return true;
}

bool RequestParser::TakeBox(size_t i) {
  const auto width = ctx_.Double(i, "ERR need numeric width");
  if (!width) return false;
  const auto height = ctx_.Double(i + 1, "ERR need numeric height");
  if (!height) return false;
  if (*width < 0 || *height < 0) return Fail("ERR height or width cannot be negative");
  const auto unit = GeoUnitArgument(ctx_, i + 2);
  if (!unit) return false;
  request_.unit = *unit;
  request_.shape.is_box = true;
  request_.shape.width = *width * *unit;
  request_.shape.height = *height * *unit;
  return true;
}

bool RequestParser::TakeCount(size_t i) {
  const auto count = ctx_.Integer(i);
  if (!count) return false;
  if (*count <= 0) return Fail("ERR COUNT must be > 0");
  request_.count = *count;
  return true;
}

// A member inside the shape. Its text stays where it is: in the sorted set.
struct Found {
  keyspace::Element member;
  double score;
  double distance;  // metres
  size_t order;     // in which it was found
};

std::vector<Found> SearchByRanges(const SortedSetReader& reader, const Request& request, size_t limit) {
  std::vector<Found> found;
  for (const ds::ScoreRange& range : ds::GeoRanges(request.shape)) {
    if (found.size() >= limit) break;
    const keyspace::RankRange ranks =
        reader.RanksOf(keyspace::ScoreRange{.min = static_cast<double>(range.first),
                                            .max = static_cast<double>(range.last),
                                            .excludes_max = true});
    reader.Walk(ranks, false, [&](const keyspace::Element& member, double score) {
      const auto distance = request.shape.Contains(ds::GeoPointOfScore(score));
      if (distance) found.push_back({member, score, *distance, found.size()});
      return found.size() < limit;
    });
  }
  return found;
}

// The same, in one pass over a few members; finding each range would be a pass of its own.
std::vector<Found> SearchAll(const SortedSetReader& reader, const Request& request, size_t limit) {
  std::vector<Found> found;
  const ds::GeoRanges ranges(request.shape);
  const size_t size = reader.Length();
  size_t rank = 0;
  reader.ForEach([&](const keyspace::Element& member, double score) {
    const auto range = std::find_if(ranges.begin(), ranges.end(), [score](const ds::ScoreRange& candidate) {
      return score >= static_cast<double>(candidate.first) && score < static_cast<double>(candidate.last);
    });
    const size_t order = static_cast<size_t>(range - ranges.begin()) * size + rank++;
    if (range == ranges.end()) return;
    const auto distance = request.shape.Contains(ds::GeoPointOfScore(score));
    if (distance) found.push_back({member, score, *distance, order});
  });
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.order < b.order; });
  if (found.size() > limit) found.erase(found.begin() + static_cast<ptrdiff_t>(limit), found.end());
  return found;
}

std::vector<Found> Search(const Entry& source, const Request& request) {
  constexpr size_t kFewMembers = 128;
  const SortedSetReader reader(source);
  const size_t limit = request.takes_any ? static_cast<size_t>(request.count) : SIZE_MAX;
  return reader.Length() <= kFewMembers ? SearchAll(reader, request, limit)
                                        : SearchByRanges(reader, request, limit);
}

// Sorts as asked and leaves no more than asked for.
void SortAndCut(std::vector<Found>& found, const Request& request) {
  const size_t wanted =
      request.count == 0 ? found.size() : std::min(found.size(), static_cast<size_t>(request.count));
  if (request.order != Order::kNone) {
    const bool nearest_first = request.order == Order::kNearest;
    const auto before = [nearest_first](const Found& a, const Found& b) {
      if (a.distance == b.distance) return a.order < b.order;
      return nearest_first ? a.distance < b.distance : a.distance > b.distance;
    };
    std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(wanted), found.end(), before);
  }
  found.erase(found.begin() + static_cast<ptrdiff_t>(wanted), found.end());
}

void ReplyFound(Context& ctx, const std::vector<Found>& found, const Request& request) {
  const size_t options = size_t{request.with_distance} + request.with_hash + request.with_point;
  ctx.reply().Array(found.size());
  for (const Found& place : found) {
    if (options > 0) ctx.reply().Array(options + 1);
    ReplyElement(ctx.reply(), place.member);
    if (request.with_distance) ReplyGeoDistance(ctx, place.distance / request.unit);
    if (request.with_hash) ctx.reply().Integer(static_cast<int64_t>(place.score));
    if (request.with_point) ReplyGeoPoint(ctx, ds::GeoPointOfScore(place.score));
  }
}

void RemoveTarget(Context& ctx, const Key& target) {
  if (ctx.db().Remove(target)) ctx.Notify(settings::kNotifyGeneric, "del", target.text);
}

void StoreFound(Context& ctx, Form form, const std::vector<Found>& found, const Request& request) {
  const Key target = ctx.key(request.store_key);
  ctx.reply().Integer(static_cast<int64_t>(found.size()));
  if (found.empty()) return RemoveTarget(ctx, target);
  ds::NumberBuffer digits;
  size_t longest = 0;
  for (const Found& place : found) longest = std::max(longest, place.member.View(digits).size());
  SortedSetContents contents(ctx.keyspace(), longest, found.size());
  for (const Found& place : found) {
    contents.Add(place.member.View(digits),
                 request.stores_distance ? place.distance / request.unit : place.score);
  }
  // The found members may be the target's own, so it goes only now.
  ctx.db().Remove(target);
  const WriteHandle handle = SortedSetValue::Store(ctx.db(), target, std::move(contents));
  ctx.Notify(settings::kNotifySortedSet, IsSearch(form) ? "geosearchstore" : "georadiusstore", target.text);
}

template <Form kForm>
void GeoSearch(Context& ctx) {
  const Entry* source = ctx.FindForRead(ctx.key(kForm == Form::kSearchStore ? 2 : 1));
  if (!ctx.CheckType(source, Type::kSortedSet)) return;
  RequestParser parser(ctx, kForm, source);
  if (!parser.Parse()) return;
  const Request& request = parser.request();
  std::vector<Found> found;
  if (source != nullptr) {
    found = Search(*source, request);
    SortAndCut(found, request);
  }
  request.store_key == 0 ? ReplyFound(ctx, found, request) : StoreFound(ctx, kForm, found, request);
}

}  // namespace

void RegisterGeoSearch(engine::CommandTable& table) {
  table.Bind("geosearch", engine::MakeHandler<&GeoSearch<Form::kSearch>>());
  table.Bind("geosearchstore", engine::MakeHandler<&GeoSearch<Form::kSearchStore>>());
  table.Bind("georadius", engine::MakeHandler<&GeoSearch<Form::kRadius>>());
  table.Bind("georadius_ro", engine::MakeHandler<&GeoSearch<Form::kRadiusRo>>());
  table.Bind("georadiusbymember", engine::MakeHandler<&GeoSearch<Form::kRadiusByMember>>());
  table.Bind("georadiusbymember_ro", engine::MakeHandler<&GeoSearch<Form::kRadiusByMemberRo>>());
}

}  // namespace hearth::commands
