// What the geo commands share: arguments that say places and lengths, and their replies. Engine thread only.
#pragma once

#include <optional>

#include "ds/geohash.h"
#include "engine/command_table.h"
#include "engine/context.h"

namespace hearth::commands {

// The searches: GEOSEARCH and its older kin.
void RegisterGeoSearch(engine::CommandTable& table);

// Arguments i and i + 1 as longitude and latitude; replies the error if they are no place on the map.
std::optional<ds::GeoPoint> GeoPointArgument(engine::Context& ctx, size_t i);

// Argument i as a unit of length, in metres; replies the error if it is none.
std::optional<double> GeoUnitArgument(engine::Context& ctx, size_t i);

// The place of a member; nullopt if it is not there.
std::optional<ds::GeoPoint> GeoPointOfMember(const engine::Entry& entry, std::string_view member);

// A distance with four decimals.
void ReplyGeoDistance(engine::Context& ctx, double distance);
// A pair of longitude and latitude, in as many digits as Redis gives.
void ReplyGeoPoint(engine::Context& ctx, const ds::GeoPoint& point);

}  // namespace hearth::commands
