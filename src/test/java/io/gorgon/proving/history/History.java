package io.gorgon.proving.history;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What callers, workers, tools, holders of leases and the pool saw, joined by call, by worker and
 * by session, and held against the rules: {@link CallRules}, {@link StreamRules}, {@link
 * CallbackRules}, {@link WorkerRules}, {@link CommitRules}, {@link OrderRules}, {@link SightRules}.
 * Facts may be added by any thread; it is checked when nothing goes on any more.
 */
public final class History {

  /** What must hold of every subject of one kind. */
  interface Rules {
    Subject.Kind about();

    void check(Subject subject, List<Fact> facts, History joined, List<Violation> found);
  }

  private static final List<Rules> RULES =
      List.of(
          new CallRules(),
          new StreamRules(),
          new CallbackRules(),
          new WorkerRules(),
          new CommitRules(),
          new OrderRules(),
          new SightRules());

  private final ConcurrentLinkedQueue<Fact> facts = new ConcurrentLinkedQueue<>();
  private final Map<Subject, List<Fact>> bySubject = new HashMap<>();

  /** Notes a fact. */
  public void add(Fact fact) {
    facts.add(fact);
  }

  /** Adds the lines that {@code journaled.py} and {@code journaled_sessions.py} wrote. */
  public void addJournal(Path file) throws IOException {
    try (var lines = Files.lines(file)) {
      lines.map(JournalLine::read).forEach(this::add);
    }
  }

  /** Joins and judges. Empty where all is well. */
  public List<Violation> violations() {
    bySubject.clear();
    for (Fact fact : facts) {
      fact.subjects()
          .forEach(
              subject -> bySubject.computeIfAbsent(subject, any -> new ArrayList<>()).add(fact));
    }
    // Stable: facts of the same moment stay in the order in which they were told.
    bySubject.values().forEach(list -> list.sort(Comparator.comparingLong(Fact::at)));
    List<Violation> found = new ArrayList<>();
    bySubject.forEach(
        (subject, list) -> {
          for (Rules rules : RULES) {
            if (rules.about() == subject.kind()) {
              rules.check(subject, list, this, found);
            }
          }
        });
    return found;
  }

  /** The facts of a kind, in the order in which they were told. */
  public <F extends Fact> List<F> all(Class<F> kind) {
    return facts.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** What is known of a subject, in the order of time; after {@link #violations}. */
  public List<Fact> of(Subject subject) {
    return bySubject.getOrDefault(subject, List.of());
  }

  /** The facts of a kind among others. */
  static <F extends Fact> List<F> only(Class<F> kind, List<Fact> facts) {
    return facts.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** Whether a pool has told that it stopped. */
  boolean isOver() {
    return facts.stream()
        .anyMatch(
            fact ->
                fact instanceof Fact.Event one
                    && one.event() instanceof io.gorgon.message.PoolEvent.PoolStopped);
  }
}
