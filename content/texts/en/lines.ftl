# What happens in a battle, told. `rich` has three wordings for each word of a blow; `plain` is short and undecorated.

line-plain-spawn = { $monster } appears. { $hp } hp.
line-plain-hit = You deal { $damage }. { $monster } has { $hp } hp.
line-plain-hurt = { $monster } deals { $damage }. You have { $hp } hp.
line-plain-skill = { $skill } deals { $damage }. { $monster } has { $hp } hp.
line-plain-heal = You recover { $amount }. You have { $hp } hp.
line-plain-shield = { $skill}: { $defense } more defense for { $ticks } ticks.
line-plain-no-mana = Not enough mana for { $skill }, which costs { $cost }.
line-plain-kill = { $monster } is defeated. { $exp } experience.
line-plain-loot = { $gold } gold.
line-plain-loot-with = { $gold } gold, { $items }.
line-plain-loot-item = { $item } x{ $count }
line-plain-loot-sold = { $item } (sold)
line-plain-level-up = You are level { $level } now.
line-plain-death = { $monster } defeats you.
line-plain-revive = You stand again with { $hp } hp.
line-plain-away = You were away for { $time }.
line-plain-capped = Only { $time } of that counted.
line-plain-digest = Meanwhile: { tally }. You have { $hp } hp.
line-plain-report = In all: { tally }.
line-plain-end-stopped = The battle is stopped.
line-plain-end-died = The battle ended with your defeat.
line-plain-end-fled = You fled.
line-plain-end-left = The battle ended because you were gone.
line-plain-end-operator = The battle was ended by an operator.
line-plain-end-deleted = The battle ended with the account.

line-rich-spawn = ⚔ Out of the dark comes { $monster } ({ $hp } hp)!
line-rich-hit-weak-0 = Your blade only grazes { $monster }: { $damage } damage. ({ $hp } hp left)
line-rich-hit-weak-1 = A clumsy swing finds { $monster } for { $damage }. ({ $hp } hp left)
line-rich-hit-weak-2 = { $monster } twists away; you still deal { $damage }. ({ $hp } hp left)
line-rich-hit-plain-0 = You strike { $monster } for { $damage }. ({ $hp } hp left)
line-rich-hit-plain-1 = A steady cut lands on { $monster }: { $damage } damage. ({ $hp } hp left)
line-rich-hit-plain-2 = You step in and hit { $monster } for { $damage }. ({ $hp } hp left)
line-rich-hit-strong-0 = A mighty blow crashes into { $monster }: { $damage } damage! ({ $hp } hp left)
line-rich-hit-strong-1 = You find the gap and drive it home: { $damage } on { $monster }! ({ $hp } hp left)
line-rich-hit-strong-2 = { $monster } reels under { $damage } damage! ({ $hp } hp left)
line-rich-hurt-weak-0 = { $monster } barely scratches you: { $damage } damage. (you: { $hp } hp)
line-rich-hurt-weak-1 = You catch most of it; { $monster } deals { $damage }. (you: { $hp } hp)
line-rich-hurt-weak-2 = { $monster } stumbles into you for { $damage }. (you: { $hp } hp)
line-rich-hurt-plain-0 = { $monster } hits you for { $damage }. (you: { $hp } hp)
line-rich-hurt-plain-1 = { $monster } answers with { $damage } damage. (you: { $hp } hp)
line-rich-hurt-plain-2 = You are too slow; { $monster } deals { $damage }. (you: { $hp } hp)
line-rich-hurt-strong-0 = { $monster } slams you for { $damage }! (you: { $hp } hp)
line-rich-hurt-strong-1 = A savage blow from { $monster }: { $damage } damage! (you: { $hp } hp)
line-rich-hurt-strong-2 = The world spins as { $monster } deals { $damage }! (you: { $hp } hp)
line-rich-skill = ✦ { $skill }! { $monster } takes { $damage }. ({ $hp } hp left)
line-rich-heal = ✚ Warmth flows back into you: { $amount }. (you: { $hp } hp)
line-rich-shield = ◈ { $skill } hardens the air around you: { $defense } more defense for { $ticks } ticks.
line-rich-no-mana = You reach for { $skill }, but { $cost } mana is more than you have.
line-rich-kill = ☠ { $monster } falls! +{ $exp } experience
line-rich-loot = You pick up { $gold } gold.
line-rich-loot-with = You pick up { $gold } gold and { $items }.
line-rich-loot-item = { $item } ×{ $count }
line-rich-loot-sold = { $item } (bag full, sold)
line-rich-level-up = ★ You reach level { $level }! Strength floods back.
line-rich-death = ✝ { $monster } brings you down…
line-rich-revive = You open your eyes again. ({ $hp } hp)
line-rich-away = ⏳ You were away for { $time }.
line-rich-capped = Your strength lasted { $time } of that; then you waited.
line-rich-digest = … { tally } flew by. (you: { $hp } hp)
line-rich-report = In all: { tally }.
line-rich-end-stopped = ⚑ You lower your weapon. The battle is over.
line-rich-end-died = ⚑ You fell, and the battle is over.
line-rich-end-fled = ⚑ You ran, and the battle is over.
line-rich-end-left = ⚑ Nobody came back, and the battle is over.
line-rich-end-operator = ⚑ A higher power has ended the battle.
line-rich-end-deleted = ⚑ The battle is over, and so is the tale.

# What a stretch of battle came to, in either style.

tally = { tally-kills }, { $exp } experience, { $gold } gold, { tally-items }, { tally-levels }, { tally-deaths }
tally-kills = { $kills ->
    [one] { $kills } kill
   *[other] { $kills } kills
}
tally-items = { $items ->
    [one] { $items } item
   *[other] { $items } items
}
tally-levels = { $levels ->
    [one] { $levels } level
   *[other] { $levels } levels
}
tally-deaths = { $deaths ->
    [one] { $deaths } death
   *[other] { $deaths } deaths
}

# Lengths of time.

span-hours-minutes = { span-hours } { span-minutes }
span-hours = { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}
span-minutes = { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
span-seconds = { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}
