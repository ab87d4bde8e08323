package io.gorgon.scoreboard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Holds what callers were told against what Python noted and what the database has. Every finding
 * is a line.
 */
final class Ledger {

  /** Python's call, from its begin to its end; without an end it was killed in it. */
  private record Run(String node, String pid, String session, long begin, long end) {}

  private static final long NEVER = Long.MAX_VALUE;

  private final List<Attempt> attempts;
  private final Map<String, List<Run>> runs = new HashMap<>();

  final List<String> untyped = new ArrayList<>();
  final List<String> lost = new ArrayList<>();
  final List<String> doubled = new ArrayList<>();
  final List<String> unexpected = new ArrayList<>();
  final List<String> disordered = new ArrayList<>();
  final List<String> ownedTwice = new ArrayList<>();
  final List<String> ranTwice = new ArrayList<>();

  /**
   * Judges.
   *
   * @param states the ids that each session has in the database, in its order
   * @param deaths when each node was dead with its Python, by its name; others are alive
   */
  Ledger(
      List<Attempt> attempts,
      Path journal,
      Map<String, List<String>> states,
      Map<String, Long> deaths)
      throws IOException {
    this.attempts = attempts;
    read(journal, deaths);
    for (Attempt each : attempts) {
      if (each.isUntyped()) {
        untyped.add(each + " took " + (each.endedAt() - each.sentAt()) / 1_000_000 + " ms");
      }
    }
    judgeStates(states);
    judgeOwners();
    judgeCalls();
  }

  private void read(Path journal, Map<String, Long> deaths) throws IOException {
    Map<String, String[]> begun = new HashMap<>();
    for (String line : Files.readAllLines(journal)) {
      String[] words = line.split(" ");
      String one = words[3] + "/" + words[4];
      if (words[0].equals("B")) {
        begun.put(one, words);
      } else {
        add(begun.remove(one), Long.parseLong(words[1]));
      }
    }
    begun.values().forEach(words -> add(words, deaths.getOrDefault(words[2], NEVER)));
  }

  private void add(String[] begin, long end) {
    long begun = Long.parseLong(begin[1]);
    // A worker that was killed alone: its node lives longer, and the next call was somewhere else.
    var run = new Run(begin[2], begin[3], begin[5], begun, end == NEVER ? begun : end);
    runs.computeIfAbsent(begin[4], any -> new ArrayList<>()).add(run);
  }

  private void judgeStates(Map<String, List<String>> states) {
    Map<String, Attempt> byId =
        attempts.stream().collect(Collectors.toMap(Attempt::id, each -> each, (a, b) -> a));
    for (Attempt each : attempts) {
      if (each.session() != null
          && each.isAcknowledged()
          && !states.getOrDefault(each.session(), List.of()).contains(each.id())) {
        lost.add(each.toString());
      }
    }
    states.forEach(
        (session, ids) -> {
          Map<String, Long> latest = new HashMap<>();
          Set<String> seen = new java.util.HashSet<>();
          for (String id : ids) {
            Attempt attempt = byId.get(id);
            if (!seen.add(id)) {
              doubled.add(session + " has " + id + " twice");
            } else if (attempt == null || !attempt.mayBeKept()) {
              unexpected.add(session + " has kept " + id + ", which was told " + attempt);
            } else {
              Long before = latest.put(attempt.caller(), attempt.number());
              if (before != null && before > attempt.number()) {
                disordered.add(session + " has " + id + " behind number " + before);
              }
            }
          }
        });
  }

  private void judgeOwners() {
    Map<String, List<Run>> bySession =
        runs.values().stream()
            .flatMap(List::stream)
            .filter(run -> !run.session().equals("-"))
            .collect(Collectors.groupingBy(Run::session));
    bySession.forEach(
        (session, all) -> {
          all.sort(Comparator.comparingLong(Run::begin));
          Run before = null;
          for (Run run : all) {
            if (before != null && run.begin() < before.end()) {
              ownedTwice.add(session + ": " + before + " and " + run);
            }
            before = before == null || run.end() > before.end() ? run : before;
          }
        });
  }

  private void judgeCalls() {
    for (Attempt each : attempts) {
      int count = runs.getOrDefault(each.id(), List.of()).size();
      if (count > 1
          || (each.isAcknowledged() && count == 0)
          || (each.hasNotStarted() && count > 0)) {
        ranTwice.add(each + " ran " + runs.get(each.id()));
      }
    }
  }

  /** How calls ended that were sent in that time, by outcome. */
  Map<String, Long> outcomes(long from, long until) {
    return attempts.stream()
        .filter(each -> each.sentAt() >= from && each.sentAt() < until)
        .collect(
            Collectors.groupingBy(Attempt::outcome, java.util.TreeMap::new, Collectors.counting()));
  }

  /** The failures of a kind, the first few. */
  List<String> examples(String outcome, long from, long until) {
    return attempts.stream()
        .filter(each -> each.sentAt() >= from && each.sentAt() < until)
        .filter(each -> each.outcome().equals(outcome))
        .map(each -> each.id() + " " + each.session() + " " + each.failure())
        .limit(4)
        .toList();
  }

  void print() {
    Map.of(
            "untyped or late", untyped,
            "lost", lost,
            "doubled", doubled,
            "kept though told otherwise", unexpected,
            "out of order", disordered,
            "owned twice", ownedTwice,
            "ran twice or told wrongly", ranTwice)
        .forEach(
            (what, lines) -> {
              System.out.println("[proof] " + what + ": " + lines.size());
              lines.stream().limit(12).forEach(line -> System.out.println("[proof]   " + line));
            });
  }
}
