#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "script/libraries/global_writes.h"
#include "script/libraries/libraries.h"
#include "script/libraries/tokens.h"

namespace hearth::script {
namespace {

using Kind = LuaToken::Kind;

// Functions that are written in C and give one result: those of libraries, and global ones.
struct OneResult {
  std::string_view library;
  std::string_view names;  // with a blank before and behind each
};
constexpr std::string_view kOneResultGlobals[] = {"error",        "getmetatable", "rawget",   "rawset",
                                                  "setmetatable", "tonumber",     "tostring", "type"};
constexpr OneResult kOneResult[] = {
    {"redis", " call pcall error_reply status_reply sha1hex setresp acl_check_cmd "},
    {"server", " call pcall error_reply status_reply sha1hex setresp acl_check_cmd "},
    {"cjson",
     " encode decode encode_max_depth decode_max_depth encode_number_precision encode_keep_buffer "
     "encode_invalid_numbers decode_invalid_numbers "},
    {"cmsgpack", " pack "},
    {"struct", " pack size "},
    {"bit", " arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex "},
    {"string", " char format len lower rep reverse sub upper "},
    {"table", " concat getn maxn remove "},
    {"math", " abs ceil floor fmod max min mod pow random sqrt "},
};

// A call `library.name(...)` or `name(...)` that is all a return statement returns.
struct ReturnedCall {
  std::string_view first_name;
  size_t begin;
  size_t end;
};

// What is worth to know of a source before it is compiled.
struct Survey {
  std::optional<std::string_view> foreign_number;
  std::vector<ReturnedCall> calls;
  // Names of libraries and functions that stand somewhere as more than the start of a use: they may mean
  // something else in this text.
  std::vector<std::string_view> reused;
};

const OneResult* FindLibrary(std::string_view name) {
  const auto* found = std::ranges::find(kOneResult, name, &OneResult::library);
  return found == std::end(kOneResult) ? nullptr : found;
}

bool HasName(const OneResult& library, std::string_view name) {
  return library.names.find(" " + std::string(name) + " ") != std::string_view::npos;
}

// Numbers with the suffix of a 64-bit or an imaginary number are LuaJIT's alone.
bool IsForeign(std::string_view number) {
  const char last = number.back() | 0x20;
  return last == 'l' || last == 'i';
}

bool EndsReturn(const LuaToken& token) {
  return token.kind == Kind::kEnd || token.Is(";") ||
         (token.kind == Kind::kName &&
          (token.Is("end") || token.Is("else") || token.Is("elseif") || token.Is("until")));
}

bool IsOneResultGlobal(std::string_view name) {
  return std::ranges::find(kOneResultGlobals, name) != std::end(kOneResultGlobals);
}

// Where the arguments of a known function begin among the tokens, which begin with the word behind a
// `return`; else 0.
size_t ArgumentsOfKnown(std::span<const LuaToken> tokens) {
  if (tokens.size() >= 3 && tokens[1].Is("(")) return IsOneResultGlobal(tokens[0].text) ? 1 : 0;
  if (tokens.size() < 5 || !tokens[1].Is(".") || !tokens[3].Is("(")) return 0;
  const OneResult* library = FindLibrary(tokens[0].text);
  return library != nullptr && HasName(*library, tokens[2].text) ? 3 : 0;
}

std::optional<ReturnedCall> ReturnedCallAt(std::span<const LuaToken> tokens, std::string_view source) {
  const size_t arguments = ArgumentsOfKnown(tokens);
  if (arguments == 0) return std::nullopt;
  size_t depth = 0;
  for (size_t i = arguments; i + 1 < tokens.size(); ++i) {
    if (tokens[i].kind != Kind::kSign) continue;
    if (tokens[i].Is("(")) ++depth;
    if (!tokens[i].Is(")") || --depth > 0) continue;
    if (!EndsReturn(tokens[i + 1])) return std::nullopt;
    const auto place = [&](const LuaToken& token) {
      return static_cast<size_t>(token.text.data() - source.data());
    };
    return ReturnedCall{tokens[0].text, place(tokens[0]), place(tokens[i]) + 1};
  }
  return std::nullopt;
}

// A name that is defined or passed on here, rather than used as the library or function that it is.
bool IsReused(std::span<const LuaToken> tokens, size_t at) {
  const std::string_view name = tokens[at].text;
  if (FindLibrary(name) != nullptr) return !tokens[at + 1].Is(".");
  if (!IsOneResultGlobal(name) || (at > 0 && tokens[at - 1].Is("."))) return false;
  return !tokens[at + 1].Is("(") || (at > 0 && tokens[at - 1].Is("function"));
}

Survey SurveyOf(std::string_view source) {
  Survey survey;
  std::vector<LuaToken> tokens;
  LuaTokens reader(source);
  do {
    tokens.push_back(reader.Next());
  } while (tokens.back().kind != Kind::kEnd);
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const LuaToken& token = tokens[i];
    if (token.kind == Kind::kNumber && IsForeign(token.text)) {
      survey.foreign_number = token.text;
      return survey;
    }
    if (token.kind != Kind::kName) continue;
    if (token.Is("return")) {
      if (const auto call = ReturnedCallAt(std::span(tokens).subspan(i + 1), source))
        survey.calls.push_back(*call);
    } else if (IsReused(tokens, i)) {
      survey.reused.push_back(token.text);
    }
  }
  return survey;
}

// LuaJIT forgets the caller of a function that is called by a return statement, and an error in it would not
// know its line. In parentheses such a call is an ordinary one; with a single result the meaning stays, and
// functions in C do not recur, so that no stack grows.
std::string KeepCallers(std::string_view source, const Survey& survey) {
  std::string kept;
  kept.reserve(source.size() + 2 * survey.calls.size());
  // Calls may stand within calls (in functions among their arguments), so their marks are sorted first.
  std::vector<std::pair<size_t, char>> marks;
  for (const ReturnedCall& call : survey.calls) {
    if (std::ranges::find(survey.reused, call.first_name) != survey.reused.end()) continue;
    marks.emplace_back(call.begin, '(');
    marks.emplace_back(call.end, ')');
  }
  std::ranges::sort(marks);
  size_t done = 0;
  for (const auto& [place, mark] : marks) {
    kept.append(source.substr(done, place - done));
    kept.push_back(mark);
    done = place;
  }
  kept.append(source.substr(done));
  return kept;
}

// Hands the text to Lua behind a space: what begins with one is neither bytecode nor a line for the shell.
struct Pieces {
  std::string_view text;
  int given = 0;

  static const char* Read(lua_State*, void* data, size_t* size) {
    auto* pieces = static_cast<Pieces*>(data);
    const std::string_view piece = pieces->given == 0   ? " "
                                   : pieces->given == 1 ? pieces->text
                                                        : std::string_view();
    ++pieces->given;
    *size = piece.size();
    return piece.empty() ? nullptr : piece.data();
  }
};

int Compile(lua_State* lua, std::string_view text, const char* chunk_name) {
  Pieces pieces{text};
  return lua_loadx(lua, Pieces::Read, &pieces, chunk_name, "t");
}

// The compiler's words for a number that it does not understand. How it words a chunk's name for people
// ("user_script",
// "[string \"...\"]") is taken from what it says of a text that cannot be right.
int RefuseNumber(lua_State* lua, std::string_view source, std::string_view number, const char* chunk_name) {
  const auto line = static_cast<int>(1 + std::count(source.data(), number.data(), '\n'));
  Compile(lua, "=", chunk_name);
  const std::string_view message = lua_tostring(lua, -1);
  const std::string_view name = message.substr(0, message.rfind(":1: "));
  lua_pushlstring(lua, name.data(), name.size());
  lua_pushfstring(lua, ":%d: malformed number near '", line);
  lua_pushlstring(lua, number.data(), number.size());
  lua_pushliteral(lua, "'");
  lua_concat(lua, 4);
  lua_replace(lua, -2);
  return LUA_ERRSYNTAX;
}

// The function on top may read the globals without their view, once they are protected.
void GiveGlobals(lua_State* lua) {
  PushGlobals(lua);
  if (lua_istable(lua, -1)) {
    lua_setfenv(lua, -2);
  } else {
    lua_pop(lua, 1);
  }
}

// Compiles the text, or gives the number for which it will not. Nothing in here raises a Lua error, which
// would leave the survey's memory behind.
std::optional<std::string_view> TryCompile(lua_State* lua, std::string_view source, const char* chunk_name,
                                           int* status) {
  const Survey survey = SurveyOf(source);
  if (survey.foreign_number) return survey.foreign_number;
  if (survey.calls.empty()) {
    *status = Compile(lua, source, chunk_name);
  } else {
    const std::string kept = KeepCallers(source, survey);
    *status = Compile(lua, kept, chunk_name);
  }
  return std::nullopt;
}

}  // namespace

int LoadText(lua_State* lua, std::string_view source, const char* chunk_name) {
  luaL_checkstack(lua, 6, "no room to compile");
  int status = 0;
  const auto number = TryCompile(lua, source, chunk_name, &status);
  if (number) return RefuseNumber(lua, source, *number, chunk_name);
  if (status == 0 && !WritesGlobals(lua)) GiveGlobals(lua);
  return status;
}

}  // namespace hearth::script
