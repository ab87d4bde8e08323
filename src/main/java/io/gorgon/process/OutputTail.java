package io.gorgon.process;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * This keeps the last lines that a worker wrote, so that its failure can show them. Holds at most
 * {@value #LINES} lines of at most {@value #LINE_LENGTH} characters. Thread-safe.
 */
public final class OutputTail {

  /** Lines kept. */
  public static final int LINES = 40;

  /** Characters kept of one line. */
  public static final int LINE_LENGTH = 2_000;

  private final Deque<String> lines = new ArrayDeque<>();

  /** Adds a line, forgetting the oldest where there are too many. */
  public synchronized void add(String line) {
    if (lines.size() == LINES) {
      lines.removeFirst();
    }
    lines.addLast(line.length() > LINE_LENGTH ? line.substring(0, LINE_LENGTH) + "..." : line);
  }

  /** The lines, oldest first. */
  public synchronized List<String> lines() {
    return new ArrayList<>(lines);
  }
}
