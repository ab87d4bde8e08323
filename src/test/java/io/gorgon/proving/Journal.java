package io.gorgon.proving;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What callers were told, joined with what workers wrote down that they ran. Each violation is one
 * line that names the call and its history.
 */
public final class Journal {

  /**
   * What a caller was told: the nonce that came back, or the failure, which is an untyped one only
   * if the pool broke its promise.
   */
  private record Told(@Nullable String nonce, @Nullable Throwable failure) {}

  private record Asked(String nonce, int runs, Predicate<PythonFailure> mayFailWith) {}

  private final Map<String, Asked> asked = new ConcurrentHashMap<>();
  private final Map<String, List<Told>> told = new ConcurrentHashMap<>();

  /**
   * Notes that a call is being made.
   *
   * @param runs how often it may run at most
   * @param mayFailWith which failures are none of our business
   */
  public void asked(String id, String nonce, int runs, Predicate<PythonFailure> mayFailWith) {
    asked.put(id, new Asked(nonce, runs, mayFailWith));
  }

  /** Notes what the caller was told: a reply with the nonce, or a failure. */
  public void told(String id, @Nullable Reply reply, @Nullable Throwable failure) {
    if (reply != null) {
      answered(id, reply.tree().asText());
    } else {
      failed(
          id,
          failure instanceof CompletionException && failure.getCause() != null
              ? failure.getCause()
              : Objects.requireNonNull(failure));
    }
  }

  void answered(String id, String nonce) {
    add(id, new Told(nonce, null));
  }

  void failed(String id, Throwable failure) {
    add(id, new Told(null, failure));
  }

  private void add(String id, Told one) {
    told.computeIfAbsent(id, any -> Collections.synchronizedList(new ArrayList<>())).add(one);
  }

  /**
   * Joins it with the workers' lines, {@code id nonce pid worker time}. Empty where all is well.
   */
  public List<String> violations(List<String> lines) {
    Map<String, List<String>> ran = new HashMap<>();
    for (String line : lines) {
      ran.computeIfAbsent(line.split(" ")[0], any -> new ArrayList<>()).add(line);
    }
    List<String> violations = new ArrayList<>();
    asked.forEach(
        (id, call) ->
            check(
                id,
                call,
                ran.getOrDefault(id, List.of()),
                told.getOrDefault(id, List.of()),
                violations));
    ran.keySet().stream()
        .filter(id -> !asked.containsKey(id))
        .forEach(id -> violations.add("invented: " + id + " ran " + ran.get(id)));
    return violations;
  }

  private static void check(
      String id, Asked call, List<String> ran, List<Told> told, List<String> violations) {
    String history = id + " ran " + ran + ", told " + told;
    if (told.isEmpty()) {
      violations.add("unanswered: " + history);
    }
    if (told.size() > 1) {
      violations.add("answered twice: " + history);
    }
    if (ran.size() > call.runs()) {
      violations.add("run too often: " + history);
    }
    for (String line : ran) {
      if (!line.split(" ")[1].equals(call.nonce())) {
        violations.add("crossed on the way in: " + history);
      }
    }
    for (Told one : told) {
      if (one.failure() != null && !(one.failure() instanceof PythonFailure)) {
        violations.add("told something untyped: " + history);
      }
      if (one.failure() instanceof PythonFailure typed && !call.mayFailWith().test(typed)) {
        violations.add("noticed somebody else's fault: " + history);
      }
      if (one.failure() == null && !call.nonce().equals(one.nonce())) {
        violations.add("crossed on the way out: " + history);
      }
      if (one.failure() == null && ran.isEmpty()) {
        violations.add("answered without having run: " + history);
      }
      boolean never = saysItNeverStarted(one.failure()) && call.runs() == 1;
      if (never && !ran.isEmpty()) {
        violations.add("told as not started, and ran: " + history);
      }
    }
  }

  private static boolean saysItNeverStarted(@Nullable Throwable failure) {
    return (failure instanceof PythonFailure.WorkerLost lost && !lost.started())
        || (failure instanceof PythonFailure.Cancelled cancelled && !cancelled.started())
        || (failure instanceof PythonFailure.DeadlineExceeded late
            && (late.phase() == PythonFailure.DeadlineExceeded.Phase.QUEUED
                || late.phase() == PythonFailure.DeadlineExceeded.Phase.STARTING))
        || failure instanceof PythonFailure.Draining
        || failure instanceof PythonFailure.Overloaded
        || failure instanceof PythonFailure.StartFailed;
  }
}
