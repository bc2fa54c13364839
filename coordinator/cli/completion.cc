// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/completion.h"

namespace trident {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// The longest command that the words before the cursor begin with decides what is offered. Options
// and their values between the words of a command are passed over.
std::string BashScript(const std::vector<CompletedCommand>& commands) {
  std::string out =
      "_trident() {\n"
      "  local word path=trident current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$path $word\" in\n";
  for (const CompletedCommand& command : commands) {
    if (command.path != "trident") out += "      \"" + command.path + "\") path+=\" $word\" ;;\n";
  }
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n";
  for (const CompletedCommand& command : commands) {
    out += "    \"" + command.path + "\") COMPREPLY=($(compgen -W \"" + Joined(command.words) +
           "\" -- \"$current\")) ;;\n";
  }
  return out +
         "  esac\n"
         "}\n"
         "complete -F _trident trident\n";
}

// The words behind "trident", each of which must have been seen.
std::string FishCondition(const std::string& path, const std::vector<CompletedCommand>& commands) {
  std::string below;
  for (const CompletedCommand& command : commands) {
    const bool is_child = command.path.rfind(path + " ", 0) == 0 &&
                          command.path.find(' ', path.size() + 1) == std::string::npos;
    if (is_child) below += " " + command.path.substr(path.size() + 1);
  }
  std::string out;
  size_t begin = path.find(' ');
  while (begin != std::string::npos) {
    const size_t end = path.find(' ', begin + 1);
    out += "__fish_seen_subcommand_from " + path.substr(begin + 1, end - begin - 1) + "; and ";
    begin = end;
  }
  return below.empty() ? out + "true" : out + "not __fish_seen_subcommand_from" + below;
}

std::string FishScript(const std::vector<CompletedCommand>& commands) {
  std::string out = "complete -c trident -f\n";
  for (const CompletedCommand& command : commands) {
    out += "complete -c trident -n '" + FishCondition(command.path, commands) + "' -a '" +
           Joined(command.words) + "'\n";
  }
  return out;
}

}  // namespace

StatusOr<std::string> CompletionScript(std::string_view shell,
                                       const std::vector<CompletedCommand>& commands) {
  if (shell == "bash") return BashScript(commands);
  if (shell == "zsh") {
    return "autoload -U +X bashcompinit && bashcompinit\n" + BashScript(commands);
  }
  if (shell == "fish") return FishScript(commands);
  return InvalidArgument("expected bash, zsh or fish, found '", shell, "'");
}

}  // namespace trident
