// Places in sorted sets: GEOADD, GEODIST, GEOHASH, GEOPOS.
#include "commands/geo.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/register.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/string_value.h"

namespace hearth::commands {

using ds::GeoPoint;
using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::IntDigits;
using keyspace::ScoreChange;
using keyspace::SortedSetReader;
using keyspace::SortedSetValue;

std::optional<GeoPoint> GeoPointArgument(Context& ctx, size_t i) {
  const auto longitude = ctx.Double(i);
  if (!longitude) return std::nullopt;
  const auto latitude = ctx.Double(i + 1);
  if (!latitude) return std::nullopt;
  const GeoPoint point{*longitude, *latitude};
  if (ds::IsOnMap(point)) return point;
  ctx.Error(fmt::format("ERR invalid longitude,latitude pair {:f},{:f}", point.longitude, point.latitude));
  return std::nullopt;
}

std::optional<double> GeoUnitArgument(Context& ctx, size_t i) {
  if (ctx.Is(i, "m")) return 1;
  if (ctx.Is(i, "km")) return 1000;
  if (ctx.Is(i, "ft")) return 0.3048;
  if (ctx.Is(i, "mi")) return 1609.34;
  ctx.Error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return std::nullopt;
}

std::optional<GeoPoint> GeoPointOfMember(const Entry& entry, std::string_view member) {
  const auto score = SortedSetReader(entry).Score(member);
  if (!score) return std::nullopt;
  return ds::GeoPointOfScore(*score);
}

void ReplyGeoDistance(Context& ctx, double distance) {
  char text[400];
  const auto end = fmt::format_to_n(text, sizeof(text), "{:.4f}", distance).out;
  ctx.reply().Bulk({text, static_cast<size_t>(end - text)});
}

void ReplyGeoPoint(Context& ctx, const GeoPoint& point) {
  ctx.reply().Array(2);
  for (double degrees : {point.longitude, point.latitude}) {
    const std::string text = FormatLongDouble(degrees);
    if (ctx.reply().protocol() == 2) {
      ctx.reply().Bulk(text);
    } else {
      // Writer::Double gives the shortest digits; these have more.
      ctx.reply().Raw(fmt::format(",{}\r\n", text));
    }
  }
}

namespace {

struct AddOptions {
  bool only_new = false;
  bool only_present = false;
  bool counts_changes = false;
  size_t first_place = 2;  // the argument after the options
};

AddOptions ParseAddOptions(Context& ctx) {
  AddOptions options;
  for (size_t& i = options.first_place; i < ctx.size(); ++i) {
    if (ctx.Is(i, "nx")) {
      options.only_new = true;
    } else if (ctx.Is(i, "xx")) {
      options.only_present = true;
    } else if (ctx.Is(i, "ch")) {
      options.counts_changes = true;
    } else {
      break;
    }
  }
  return options;
}

// The members are passed on as what they are: a sorted set's.
void PassOnAsZAdd(Context& ctx, const AddOptions& options, const std::vector<uint64_t>& numbers) {
  if (!ctx.effects().wanted()) return;
  std::vector<IntDigits> digits(numbers.size());
  std::vector<std::string_view> words{"ZADD"};
  for (size_t i = 1; i < options.first_place; ++i) words.push_back(ctx[i]);
  for (size_t n = 0; n < numbers.size(); ++n) {
    words.push_back(digits[n].Format(static_cast<int64_t>(numbers[n])));
    words.push_back(ctx[options.first_place + 3 * n + 2]);
  }
  ctx.effects().Replace(words);
}

struct AddResult {
  int64_t added = 0;
  int64_t moved = 0;
};

AddResult AddPlaces(Context& ctx, const AddOptions& options, const std::vector<uint64_t>& numbers,
                    WriteHandle& handle) {
  AddResult result;
  SortedSetValue value(handle);
  for (size_t n = 0; n < numbers.size(); ++n) {
    const ScoreChange change = value.Update(ctx[options.first_place + 3 * n + 2],
                                            [&](std::optional<double> old_score) -> std::optional<double> {
                                              if (old_score ? options.only_new : options.only_present)
                                                return std::nullopt;
                                              return static_cast<double>(numbers[n]);
                                            });
    result.added += change == ScoreChange::kAdded;
    result.moved += change == ScoreChange::kUpdated;
  }
  return result;
}

void GeoAdd(Context& ctx) {
  const AddOptions options = ParseAddOptions(ctx);
  if ((ctx.size() - options.first_place) % 3 != 0 || (options.only_new && options.only_present)) {
    return ctx.SyntaxError();
  }
  std::vector<uint64_t> numbers;
  numbers.reserve((ctx.size() - options.first_place) / 3);
  for (size_t i = options.first_place; i < ctx.size(); i += 3) {
    const auto point = GeoPointArgument(ctx, i);
    if (!point) return;
    numbers.push_back(ds::GeoNumber(*point));
  }
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) {
    if (options.only_present || numbers.empty()) return ctx.reply().Integer(0);
    handle = SortedSetValue::Create(ctx.db(), key, ctx[options.first_place + 2].size(), numbers.size());
  } else {
    if (!ctx.CheckType(&*handle, Type::kSortedSet)) return;
    SortedSetValue(handle).PrepareFor(numbers.size());
  }
  const AddResult result = AddPlaces(ctx, options, numbers, handle);
  if (result.added + result.moved > 0) {
    ctx.Notify(settings::kNotifySortedSet, "zadd", key.text);
    PassOnAsZAdd(ctx, options, numbers);
  }
  ctx.reply().Integer(options.counts_changes ? result.added + result.moved : result.added);
}

void GeoDist(Context& ctx) {
  if (ctx.size() > 5) return ctx.SyntaxError();
  const auto unit = ctx.size() == 5 ? GeoUnitArgument(ctx, 4) : std::optional<double>(1);
  if (!unit) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Null();
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  const auto from = GeoPointOfMember(*entry, ctx[2]);
  const auto to = GeoPointOfMember(*entry, ctx[3]);
  if (!from || !to) return ctx.reply().Null();
  ReplyGeoDistance(ctx, ds::GeoDistance(*from, *to) / *unit);
}

void GeoHash(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  ctx.reply().Array(ctx.size() - 2);
  for (size_t i = 2; i < ctx.size(); ++i) {
    const auto point = entry == nullptr ? std::nullopt : GeoPointOfMember(*entry, ctx[i]);
    if (!point) {
      ctx.reply().Null();
      continue;
    }
    const auto letters = ds::GeoHashLetters(*point);
    ctx.reply().Bulk({letters.data(), letters.size()});
  }
}

void GeoPos(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  ctx.reply().Array(ctx.size() - 2);
  for (size_t i = 2; i < ctx.size(); ++i) {
    const auto point = entry == nullptr ? std::nullopt : GeoPointOfMember(*entry, ctx[i]);
    point ? ReplyGeoPoint(ctx, *point) : ctx.reply().NullArray();
  }
}

}  // namespace

void RegisterGeo(engine::CommandTable& table) {
  table.Bind("geoadd", engine::MakeHandler<&GeoAdd>());
  table.Bind("geodist", engine::MakeHandler<&GeoDist>());
  table.Bind("geohash", engine::MakeHandler<&GeoHash>());
  table.Bind("geopos", engine::MakeHandler<&GeoPos>());
  RegisterGeoSearch(table);
}

}  // namespace hearth::commands
