#include "engine/client_limits.h"

#include <gtest/gtest.h>

#include "engine/client_filters.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::engine {
namespace {

TEST(ClientLimits, MemoryOfAClientGrowsWithItsSession) {
  EngineFixture fixture;
  Client& client = *fixture.client;
  const size_t bare = ClientMemoryBytes(client);
  for (int i = 0; i < 100; ++i) {
    fixture.engine.pubsub().Subscribe(client, PubSub::Kind::kChannel, "channel:" + std::to_string(i));
  }
  EXPECT_GT(ClientMemoryBytes(client), bare + 100 * sizeof(std::string));
  fixture.engine.pubsub().Forget(client);
  EXPECT_EQ(ClientMemoryBytes(client), bare);
}

TEST(ClientLimits, TicksPassOverClientsWithoutConnection) {
  EngineFixture fixture;
  fixture.settings.timeout = 1;
  fixture.settings.maxmemory_clients = 1;
  ClientLimits limits(fixture.engine);
  fixture.AdvanceMs(5000);
  for (int i = 0; i < 25; ++i) limits.Tick();
  EXPECT_FALSE(fixture.client->is(Client::kClosing));
  EXPECT_EQ(limits.recent_max_output_bytes(), 0u);
}

TEST(ClientFilters, TypesHaveTwoNamesForReplicas) {
  EXPECT_EQ(ParseClientType("SLAVE"), ClientType::kReplica);
  EXPECT_EQ(ParseClientType("replica"), ClientType::kReplica);
  EXPECT_EQ(ParseClientType("nosuch"), std::nullopt);
}

TEST(Clients, ForSomeGoesRoundAndRound) {
  EngineFixture fixture;
  for (int i = 0; i < 6; ++i) fixture.AddClient();
  std::vector<uint64_t> seen;
  uint64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    last = fixture.engine.clients().ForSome(last, 3, [&](Client& client) { seen.push_back(client.id); });
  }
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 1, 2, 3}));
}

}  // namespace
}  // namespace hearth::engine
