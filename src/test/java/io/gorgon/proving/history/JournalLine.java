package io.gorgon.proving.history;

import io.gorgon.message.WorkerId;

/** Reads what {@code journaled.py} and {@code journaled_sessions.py} write. */
final class JournalLine {

  private JournalLine() {}

  static Fact read(String line) {
    String[] words = line.split(" ");
    long at = Long.parseLong(words[1]);
    String call = words[2];
    return switch (words[0]) {
      case "S" ->
          new Fact.Started(
              at, call, words[3], Long.parseLong(words[4]), worker(words[5]), words[6]);
      case "E" -> new Fact.Ended(at, call, worker(words[3]));
      case "Q" -> new Fact.Question(at, call, Long.parseLong(words[3]));
      case "A" -> new Fact.Answer(at, call, Long.parseLong(words[3]), words[4]);
      case "V" ->
          new Fact.Saw(
              at,
              call,
              words[3],
              words[4],
              Long.parseLong(words[5]),
              Integer.parseInt(words[6]),
              words[7]);
      case "W" -> new Fact.Changed(at, call, words[3]);
      case "C" -> new Fact.CheckpointAsked(at, call);
      case "K" -> new Fact.CheckpointKept(at, call, Long.parseLong(words[3]));
      case "X" -> new Fact.CheckpointRefused(at, call, words[3]);
      default -> throw new IllegalArgumentException("no line of a journal: " + line);
    };
  }

  /** As {@link WorkerId#toString} prints it. */
  private static WorkerId worker(String text) {
    int slash = text.lastIndexOf('/');
    int dot = text.lastIndexOf('.');
    return new WorkerId(
        text.substring(0, slash),
        Integer.parseInt(text.substring(slash + 1, dot)),
        Long.parseLong(text.substring(dot + 1)));
  }
}
