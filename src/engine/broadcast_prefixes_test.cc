#include "engine/broadcast_prefixes.h"

#include <gtest/gtest.h>

#include "engine/client.h"

namespace hearth::engine {
namespace {

class BroadcastPrefixesTest : public ::testing::Test {
 protected:
  // What would be told now: "prefix-clients: key=client key=client;"
  std::string Take() {
    std::string text;
    prefixes_.TakeChanges([&](const std::vector<Client*>& clients, const auto& changes) {
      for (const Client* client : clients) text += std::to_string(client->id);
      text += ":";
      for (const auto& [key, id] : changes) text += " " + key + "=" + std::to_string(id);
      text += ";";
    });
    return text;
  }

  resp::ChunkPool pool_;
  resp::OutputBuffer output_{pool_};
  Client a_{1, nullptr, output_, 0};
  Client b_{2, nullptr, output_, 0};
  BroadcastPrefixes prefixes_;
};

TEST_F(BroadcastPrefixesTest, AChangeIsForEveryPrefixOfTheKey) {
  prefixes_.Add("", a_);
  prefixes_.Add("us", b_);
  prefixes_.Add("user:", a_);
  prefixes_.Add("user:10", b_);
  prefixes_.NoteChange("user:1", 0);
  prefixes_.NoteChange("zebra", 9);
  EXPECT_EQ(Take(), "1: user:1=0 zebra=9;2: user:1=0;1: user:1=0;");
  EXPECT_EQ(Take(), "");
}

TEST_F(BroadcastPrefixesTest, AKeyIsToldOnceAndInOrder) {
  prefixes_.Add("k", a_);
  prefixes_.Add("k", b_);
  for (const char* key : {"k2", "k1", "k2", "k"}) prefixes_.NoteChange(key, 0);
  EXPECT_EQ(Take(), "12: k=0 k1=0 k2=0;");
}

TEST_F(BroadcastPrefixesTest, AChangeByTwoClientsIsNobodysOwn) {
  prefixes_.Add("k", a_);
  prefixes_.NoteChange("k1", 1);
  prefixes_.NoteChange("k1", 1);
  prefixes_.NoteChange("k2", 1);
  prefixes_.NoteChange("k2", 2);
  EXPECT_EQ(Take(), "1: k1=1 k2=0;");
}

TEST_F(BroadcastPrefixesTest, PrefixesWithoutClientsAreGone) {
  prefixes_.Add("ab", a_);
  prefixes_.Add("ac", a_);
  prefixes_.Add("ab", b_);
  EXPECT_EQ(prefixes_.size(), 2u);
  prefixes_.Remove("ab", a_);
  prefixes_.NoteChange("abc", 0);
  prefixes_.Remove("ab", b_);
  EXPECT_EQ(prefixes_.size(), 1u);
  EXPECT_FALSE(prefixes_.has_changes());
  prefixes_.Add("ab", b_);
  EXPECT_EQ(Take(), "");
  prefixes_.Remove("ab", b_);
  prefixes_.NoteChange("abc", 0);
  prefixes_.NoteChange("acc", 0);
  EXPECT_EQ(Take(), "1: acc=0;");
}

}  // namespace
}  // namespace hearth::engine
