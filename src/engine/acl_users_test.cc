#include "engine/acl_users.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/acl_password.h"

namespace hearth::engine {
namespace {

class AclUsersTest : public ::testing::Test {
 protected:
  // Sets rules from one line; the error, or nothing.
  std::string Set(std::string_view name, std::string_view rules) {
    Result<AclUser> user = users_.Changed(name, *SplitArguments(rules));
    if (!user) return user.error().message;
    users_.Store(std::move(*user));
    return "";
  }
  AclVerdict Check(std::string_view name, std::string_view line) {
    const auto words = *SplitArguments(line);
    const std::vector<std::string_view> args(words.begin(), words.end());
    const Command* command = table_.Find(args[0]);
    if (!command->subcommands.empty()) command = table_.FindSubcommand(*command, args[1]);
    return users_.Find(name)->Check(*command, args);
  }
  AclReason Refusal(std::string_view name, std::string_view line) { return Check(name, line).reason; }
  std::string Commands(std::string_view name) {
    return users_.Find(name)->selectors().front().DescribeCommands();
  }

  CommandTable table_;
  AclUsers users_{table_};
};

TEST_F(AclUsersTest, TheDefaultUserMayDoEverything) {
  EXPECT_EQ(users_.Lines(), std::vector<std::string>{"user default on nopass sanitize-payload ~* &* +@all"});
  EXPECT_TRUE(users_.default_user().may_do_everything());
  EXPECT_TRUE(users_.default_user().is_open());
}

TEST_F(AclUsersTest, ANewUserMayNothingButLogIn) {
  EXPECT_EQ(Set("bob", ""), "");
  EXPECT_EQ(users_.Find("bob")->Describe(), "off sanitize-payload resetchannels -@all");
  EXPECT_EQ(Refusal("bob", "get a"), AclReason::kCommand);
  EXPECT_EQ(Refusal("bob", "auth a"), AclReason::kNone);
}

TEST_F(AclUsersTest, CommandRulesAreKeptInOrderAndLaterOnesReplaceEarlier) {
  Set("bob", "+GET -@Read +config|get +select|A");
  EXPECT_EQ(Commands("bob"), "-@all +get -@read +config|get +select|a");
  Set("bob", "-get -config");
  EXPECT_EQ(Commands("bob"), "-@all -@read +select|a -get -config");
  Set("bob", "+@all");
  EXPECT_EQ(Commands("bob"), "+@all");
}

TEST_F(AclUsersTest, AUserGivenBackTheLastRightMayDoEverythingAgain) {
  Set("bob", "allcommands allkeys allchannels -get");
  EXPECT_FALSE(users_.Find("bob")->may_do_everything());
  Set("bob", "+get");
  EXPECT_TRUE(users_.Find("bob")->may_do_everything());
}

TEST_F(AclUsersTest, AContainerTakesItsSubcommandsAlong) {
  Set("bob", "+config -config|set");
  EXPECT_EQ(Refusal("bob", "config get a"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "config set a b"), AclReason::kCommand);
  Set("bob", "-config +config|set");
  EXPECT_EQ(Refusal("bob", "config get a"), AclReason::kCommand);
  EXPECT_EQ(Refusal("bob", "config set a b"), AclReason::kNone);
}

TEST_F(AclUsersTest, AFirstArgumentOpensACommandForItAlone) {
  Set("bob", "+select|0");
  EXPECT_EQ(Refusal("bob", "select 0"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "select 1"), AclReason::kCommand);
  Set("bob", "-select");
  EXPECT_EQ(Refusal("bob", "select 0"), AclReason::kCommand);
}

TEST_F(AclUsersTest, KeysAreCheckedByWhatIsDoneWithThem) {
  Set("bob", "+@all %R~r %W~w ~b*");
  EXPECT_EQ(Refusal("bob", "get r"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "set r 1"), AclReason::kKey);
  EXPECT_EQ(Refusal("bob", "set w 1"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "set w 1 get"), AclReason::kKey);
  EXPECT_EQ(Check("bob", "mget r both r2").argument, 3u);
  EXPECT_EQ(Refusal("bob", "eval s 0 x"), AclReason::kNone);
}

TEST_F(AclUsersTest, APatternGivenTwiceGathersItsPermissions) {
  Set("bob", "%R~a %W~a %rW~b");
  EXPECT_EQ(users_.Find("bob")->selectors().front().DescribeKeys(), "~a ~b");
}

TEST_F(AclUsersTest, PatternsOfSubscribersAreComparedLetterByLetter) {
  Set("bob", "+@all resetchannels &n.*");
  EXPECT_EQ(Refusal("bob", "subscribe n.1 n.2"), AclReason::kNone);
  EXPECT_EQ(Check("bob", "subscribe n.1 m").argument, 2u);
  EXPECT_EQ(Refusal("bob", "psubscribe n.*"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "psubscribe n.1*"), AclReason::kChannel);
  EXPECT_EQ(Refusal("bob", "unsubscribe m"), AclReason::kNone);
}

TEST_F(AclUsersTest, OneSelectorMustAllowAllOfARequest) {
  Set("bob", "+get ~a (+set ~b) (%R~c +@read)");
  EXPECT_EQ(Refusal("bob", "get a"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "set b 1"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "mget c"), AclReason::kNone);
  EXPECT_EQ(Refusal("bob", "mget c a"), AclReason::kKey);
  EXPECT_EQ(Refusal("bob", "del a"), AclReason::kCommand);
  Set("bob", "clearselectors");
  EXPECT_EQ(Refusal("bob", "set b 1"), AclReason::kCommand);
}

TEST_F(AclUsersTest, ASelectorMayStandInSeveralWords) {
  EXPECT_EQ(Set("bob", "(~a +get ) on"), "");
  EXPECT_EQ(users_.Find("bob")->Describe(),
            "on sanitize-payload resetchannels -@all (~a resetchannels -@all +get)");
  EXPECT_EQ(Set("bob", "on (~a +get"), "Unmatched parenthesis in acl selector starting at '(~a'.");
}

TEST_F(AclUsersTest, WhatIsWrongIsSaid) {
  const auto reason = [&](std::string_view rule) {
    const std::string text = Set("bob", rule);
    return text.substr(text.find("': ") + 3);
  };
  for (const char* rule :
       {"+nosuch", "-nosuch", "+@nosuch", "+config|nosuch", "-select|0", "+", "+@", "+|get"})
    EXPECT_EQ(reason(rule), "Unknown command or category name in ACL") << rule;
  for (const char* rule : {"nosuch", "%X~a", "%~a", "%RR~a", "+get|", "+config|", "(on)", "((~a)", "'~a b'"})
    EXPECT_EQ(reason(rule), "Syntax error") << rule;
  EXPECT_EQ(reason("+config|get|x"), "Allowing first-arg of a subcommand is not supported");
  EXPECT_EQ(reason("<foo"), "The password you are trying to remove from the user does not exist");
  EXPECT_TRUE(reason("#12").starts_with("The password hash must be exactly 64"));
  EXPECT_TRUE(reason("~* ~a").starts_with("Adding a pattern after the * pattern (or the 'allkeys' flag)"));
  EXPECT_TRUE(
      reason("&* &a").starts_with("Adding a pattern after the * pattern (or the 'allchannels' flag)"));
}

TEST_F(AclUsersTest, AFailedRuleLeavesTheUserAsItWas) {
  Set("bob", "on >x ~a +get");
  const std::string before = users_.Find("bob")->Describe();
  EXPECT_NE(Set("bob", "off resetpass ~b (~c) +nosuch"), "");
  EXPECT_EQ(users_.Find("bob")->Describe(), before);
}

TEST_F(AclUsersTest, AnyOfThePasswordsOpens) {
  Set("bob", "on >one #" + HashPassword("two"));
  EXPECT_NE(users_.Authenticate("bob", "one"), nullptr);
  EXPECT_NE(users_.Authenticate("bob", "two"), nullptr);
  EXPECT_EQ(users_.Authenticate("bob", ""), nullptr);
  EXPECT_EQ(users_.Authenticate("eve", "one"), nullptr);
  Set("bob", "!" + HashPassword("two") + " <one");
  EXPECT_EQ(users_.Authenticate("bob", "one"), nullptr);
  Set("bob", "nopass");
  EXPECT_NE(users_.Authenticate("bob", "whatever"), nullptr);
  Set("bob", "off");
  EXPECT_EQ(users_.Authenticate("bob", "whatever"), nullptr);
}

TEST_F(AclUsersTest, TheLineOfAUserMakesTheSameUser) {
  Set("bob",
      "on >x skip-sanitize-payload ~a %R~b resetchannels &c +@all -@admin +config|get (%W~d -@all +set|x)");
  const std::string line = users_.Lines()[0];
  const auto words = *SplitArguments(line);
  const auto again = users_.ParseLine(std::span(words).subspan(1));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ("user bob " + again->Describe(), line);
}

// What reads back as the same: from an ACL file, and from a configuration.
TEST_F(AclUsersTest, PatternsOfAnyFormSurviveBeingWrittenDown) {
  ASSERT_TRUE(users_.Store(*users_.Changed("a\"b", std::vector<std::string>{"~c'd", "%R~*", "%W~*", "~\\n"}))
                  .name() == "a\"b");
  users_.Store(*users_.Changed("(", std::vector<std::string>{"~)", "(~a)"}));
  const std::vector<std::string> selectors = {"(~x))", "(\"~'\\x01)\" +select|1) &\\)", "(%RW~* ~z)"};
  ASSERT_TRUE(users_.Changed("bob", selectors).has_value());
  users_.Store(*users_.Changed("bob", selectors));
  std::string file;
  for (const std::string& line : users_.Lines()) file += line + "\n";
  const auto from_file = users_.ParseFile(file, "f");
  ASSERT_TRUE(from_file.has_value()) << from_file.error().message;
  ASSERT_EQ(from_file->size(), users_.all().size());
  for (const AclUser& user : *from_file) EXPECT_EQ(user.Describe(), users_.Find(user.name())->Describe());
  for (const std::string& line : users_.ConfigurationLines()) {
    const auto words = SplitArguments(line);
    ASSERT_TRUE(words.has_value()) << line;
    const auto user = users_.ParseLine(std::span(*words).subspan(1));
    ASSERT_TRUE(user.has_value()) << line << ": " << user.error().message;
    EXPECT_EQ(user->Describe(), users_.Find(user->name())->Describe());
  }
  EXPECT_EQ(Refusal("bob", "get x)"), AclReason::kCommand);
}

TEST_F(AclUsersTest, AFileIsReadWholeOrNotAtAll) {
  EXPECT_EQ(
      users_.ParseFile("user a on\n\nusr b\nuser a off\nuser c (x\nuser d +nosuch\n", "f").error().message,
      "f:3 should start with user keyword followed by the username. "
      "WARNING: Duplicate user 'a' found on line 4. f:5: Unmatched parenthesis in selector definition."
      "f:6: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
      "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
}

TEST_F(AclUsersTest, AFileReplacesAllUsersButTheDefaultOneStays) {
  Set("bob", "on");
  users_.SetDefaultPassword("x");
  AclUser* const before = &users_.default_user();
  const AclUsers::Map old = users_.ReplaceAll(*users_.ParseFile("user eve on +get\n", "f"));
  ASSERT_EQ(old.size(), 1u);
  EXPECT_EQ(old.begin()->first, "bob");
  EXPECT_EQ(&users_.default_user(), before);
  EXPECT_TRUE(before->may_do_everything());
  EXPECT_EQ(users_.Lines().size(), 2u);
}

}  // namespace
}  // namespace hearth::engine
