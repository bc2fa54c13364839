// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/completion.h"

#include <map>
#include <set>

namespace trident {
namespace {

using Takes = CompletedOption::Takes;

template <class Words>
std::string Joined(const Words& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

// ---- bash, and zsh, which can run bash's ----

// Options of all commands that are followed by a value, with its choices.
std::map<std::string, std::string> ValuesOf(const std::vector<CompletedCommand>& commands) {
  std::map<std::string, std::string> values;
  for (const CompletedCommand& command : commands) {
    for (const CompletedOption& option : command.options) {
      if (option.takes == Takes::kValue) values[option.name] = Joined(option.choices, " ");
    }
  }
  return values;
}

// The options that may stand behind the command.
std::string OptionsFor(const CompletedCommand& command, const CompletedCommand& program) {
  std::set<std::string> options;
  for (const CompletedCommand* from : {&command, &program}) {
    for (const CompletedOption& option : from->options) options.insert(option.name);
  }
  return Joined(options, " ");
}

// One line of bash's case over the commands: what is offered behind this one.
std::string BashOffer(const CompletedCommand& command, const CompletedCommand& program) {
  std::string out = "    \"" + command.path + "\") words=\"" + Joined(command.words, " ") +
                    "\" options=\"" + OptionsFor(command, program) + "\"";
  if (command.files == CompletedCommand::Files::kYes) out += " files=1";
  return out + " ;;\n";
}

// The longest command that the words before the cursor begin with decides what is offered; options
// and their values between them are passed over. Where a value or an argument may be a path, bash
// offers files.
std::string BashScript(const std::vector<CompletedCommand>& commands) {
  std::vector<std::string> valued;
  std::string choices, paths, offers;
  for (const auto& [option, values] : ValuesOf(commands)) {
    valued.push_back(option);
    if (!values.empty()) choices += "    " + option + ") words=\"" + values + "\" ;;\n";
  }
  for (const CompletedCommand& command : commands) {
    if (&command != &commands.front()) {
      paths += "      \"" + command.path + "\") path+=\" $word\" ;;\n";
    }
    offers += BashOffer(command, commands.front());
  }
  const std::string after_value = Joined(valued, "|");
  return "_trident() {\n"
         "  local word before= path=trident words= options= files=\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$before\" in " +
         after_value +
         ") before=; continue ;; esac\n"
         "    before=\"$word\"\n"
         "    case \"$path $word\" in\n" +
         paths +
         "    esac\n"
         "  done\n"
         "  case \"$path\" in\n" +
         offers +
         "  esac\n"
         "  case \"$before\" in\n" +
         choices + "    " + after_value +
         ") words= files=1 ;;\n"
         "    *) [[ \"$current\" == -* ]] && words=\"$options\" ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  [[ -n \"$files\" ]] && compopt -o default 2>/dev/null\n"
         "  return 0\n"
         "}\n"
         "complete -F _trident trident\n";
}

// ---- fish ----

// The words behind "trident" have been seen, and none that leads further down.
std::string FishCondition(const std::string& path, const std::vector<CompletedCommand>& commands) {
  std::string below;
  for (const CompletedCommand& command : commands) {
    const bool is_child = command.path.rfind(path + " ", 0) == 0 &&
                          command.path.find(' ', path.size() + 1) == std::string::npos;
    if (is_child) below += " " + command.path.substr(path.size() + 1);
  }
  std::string out;
  for (size_t begin = path.find(' '); begin != std::string::npos;) {
    const size_t end = path.find(' ', begin + 1);
    if (!out.empty()) out += "; and ";
    out += "__fish_seen_subcommand_from " + path.substr(begin + 1, end - begin - 1);
    begin = end;
  }
  if (below.empty()) return out;
  return out + (out.empty() ? "" : "; and ") + "not __fish_seen_subcommand_from" + below;
}

std::string FishOption(const std::string& begin, const CompletedOption& option) {
  const bool is_long = option.name.rfind("--", 0) == 0;
  std::string out =
      begin + (is_long ? " -l " + option.name.substr(2) : " -s " + option.name.substr(1));
  if (option.takes == Takes::kValue) out += " -r";
  if (!option.choices.empty()) out += " -f -a '" + Joined(option.choices, " ") + "'";
  return out + "\n";
}

std::string FishScript(const std::vector<CompletedCommand>& commands) {
  std::string out = "complete -c trident -f\n";
  for (const CompletedCommand& command : commands) {
    const std::string begin =
        "complete -c trident -n '" + FishCondition(command.path, commands) + "'";
    if (!command.words.empty()) out += begin + " -a '" + Joined(command.words, " ") + "'\n";
    if (command.files == CompletedCommand::Files::kYes) out += begin + " -F\n";
    const bool is_program = &command == &commands.front();
    for (const CompletedOption& option : command.options) {
      out += FishOption(is_program ? "complete -c trident" : begin, option);
    }
  }
  return out;
}

}  // namespace

StatusOr<std::string> CompletionScript(std::string_view shell,
                                       const std::vector<CompletedCommand>& commands) {
  if (shell == "bash") return BashScript(commands);
  if (shell == "zsh") {
    return "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" +
           BashScript(commands);
  }
  if (shell == "fish") return FishScript(commands);
  return InvalidArgument("expected bash, zsh or fish, found '", shell, "'");
}

}  // namespace trident
