/**
 * The test kit: pools over scripted or real Python, faults, probes and scenarios for the tests of
 * those who use Gorgon. It is a jar of its own; nothing in Gorgon knows it.
 */
@NullMarked
package io.gorgon.testkit;

import org.jspecify.annotations.NullMarked;
