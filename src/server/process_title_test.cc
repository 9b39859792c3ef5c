#include "server/process_title.h"

#include <gtest/gtest.h>

namespace hearth::server {
namespace {

const std::vector<TitleVariable> kVariables = {
    {"{title}", "hearth-server"}, {"{port}", "6379"}, {"{server-mode}", ""}};

TEST(ProcessTitleTest, FillsVariablesIn) {
  EXPECT_EQ(*FillTitle("{title} *:{port}", kVariables), "hearth-server *:6379");
  EXPECT_EQ(*FillTitle("plain", kVariables), "plain");
  EXPECT_EQ(*FillTitle("", kVariables), "");
}

TEST(ProcessTitleTest, CutsSpacesAtTheEnd) {
  EXPECT_EQ(*FillTitle("{title} {server-mode}", kVariables), "hearth-server");
}

TEST(ProcessTitleTest, RefusesUnknownVariablesAndLooseBraces) {
  for (const char* broken : {"{nothing}", "{title", "title}", "{", "{}", "{title} {"}) {
    EXPECT_FALSE(FillTitle(broken, kVariables)) << broken;
  }
}

}  // namespace
}  // namespace hearth::server
