package io.gorgon.testkit;

import io.gorgon.message.PythonFailure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What callers were told, joined with what workers wrote down that they ran. Each violation is one
 * line that names the call and its history.
 */
public final class Journal {

  /** What a caller was told: the nonce that came back, or the failure. */
  private record Told(String nonce, PythonFailure failure) {}

  private record Asked(String nonce, int runs) {}

  private final Map<String, Asked> asked = new ConcurrentHashMap<>();
  private final Map<String, List<Told>> told = new ConcurrentHashMap<>();

  /** Notes that a call is being made, which may run at most {@code runs} times. */
  public void asked(String id, String nonce, int runs) {
    asked.put(id, new Asked(nonce, runs));
  }

  /** Notes what the caller was told. */
  public void told(String id, String nonce, PythonFailure failure) {
    told.computeIfAbsent(id, any -> java.util.Collections.synchronizedList(new ArrayList<>()))
        .add(new Told(nonce, failure));
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
      if (one.failure() == null && !call.nonce().equals(one.nonce())) {
        violations.add("crossed on the way out: " + history);
      }
      if (one.failure() == null && ran.isEmpty()) {
        violations.add("answered without having run: " + history);
      }
      if (one.failure() instanceof PythonFailure.WorkerLost lost
          && !lost.started()
          && !ran.isEmpty()) {
        violations.add("told as not started, and ran: " + history);
      }
    }
  }
}
