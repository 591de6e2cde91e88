# 전투에서 일어나는 일을 말로 옮긴다. `rich`는 타격의 낱말마다 세 가지 표현이 있고, `plain`은 짧고 꾸밈이 없다.

line-plain-spawn = { $monster } 등장. 체력 { $hp }.
line-plain-hit = 피해 { $damage }. { $monster } 체력 { $hp }.
line-plain-hurt = { $monster }의 공격, 피해 { $damage }. 내 체력 { $hp }.
line-plain-skill = { $skill }, 피해 { $damage }. { $monster } 체력 { $hp }.
line-plain-heal = 체력 { $amount } 회복. 내 체력 { $hp }.
line-plain-shield = { $skill }, { $ticks }틱 동안 방어 { $defense } 증가.
line-plain-no-mana = 마나 부족. { $skill }에는 { $cost } 필요.
line-plain-kill = { $monster } 처치. 경험치 { $exp }.
line-plain-loot = 골드 { $gold }.
line-plain-loot-with = 골드 { $gold }, { $items }.
line-plain-loot-item = { $item } { $count }개
line-plain-loot-sold = { $item } (판매)
line-plain-level-up = 레벨 { $level } 달성.
line-plain-death = { $monster }에게 쓰러짐.
line-plain-revive = 다시 일어남. 체력 { $hp }.
line-plain-away = { $time } 동안 자리를 비움.
line-plain-capped = 그중 { $time }만 인정됨.
line-plain-digest = 그사이: { tally }. 내 체력 { $hp }.
line-plain-report = 합계: { tally }.
line-plain-end-stopped = 전투를 멈춤.
line-plain-end-died = 쓰러져 전투가 끝남.
line-plain-end-fled = 도망쳐 전투가 끝남.
line-plain-end-left = 자리를 비워 전투가 끝남.
line-plain-end-operator = 운영자가 전투를 끝냄.
line-plain-end-deleted = 계정과 함께 전투가 끝남.

line-rich-spawn = ⚔ 어둠 속에서 { JOSA($monster, "이/가") } 나타났다! (체력 { $hp })
line-rich-hit-weak-0 = 칼끝이 { $monster }의 곁을 스쳤다. 피해 { $damage }. (남은 체력 { $hp })
line-rich-hit-weak-1 = 어설프게 휘둘러 { JOSA($monster, "을/를") } 살짝 건드렸다. 피해 { $damage }. (남은 체력 { $hp })
line-rich-hit-weak-2 = { JOSA($monster, "이/가") } 몸을 틀었지만 { $damage }만큼은 베었다. (남은 체력 { $hp })
line-rich-hit-plain-0 = { JOSA($monster, "을/를") } 향해 내리쳤다. 피해 { $damage }. (남은 체력 { $hp })
line-rich-hit-plain-1 = 침착한 일격이 { $monster }의 몸에 닿았다. 피해 { $damage }. (남은 체력 { $hp })
line-rich-hit-plain-2 = 한 걸음 파고들어 { JOSA($monster, "을/를") } 베었다. 피해 { $damage }. (남은 체력 { $hp })
line-rich-hit-strong-0 = 묵직한 일격이 { $monster }의 한복판에 꽂혔다! 피해 { $damage }! (남은 체력 { $hp })
line-rich-hit-strong-1 = 빈틈을 찾아 깊숙이 찔렀다! { $monster }에게 피해 { $damage }! (남은 체력 { $hp })
line-rich-hit-strong-2 = { JOSA($monster, "이/가") } 휘청거린다! 피해 { $damage }! (남은 체력 { $hp })
line-rich-hurt-weak-0 = { $monster }의 공격이 살갗만 스쳤다. 피해 { $damage }. (내 체력 { $hp })
line-rich-hurt-weak-1 = 대부분 막아 냈다. { JOSA($monster, "이/가") } 준 피해 { $damage }. (내 체력 { $hp })
line-rich-hurt-weak-2 = { JOSA($monster, "이/가") } 비틀거리며 부딪쳐 왔다. 피해 { $damage }. (내 체력 { $hp })
line-rich-hurt-plain-0 = { $monster }의 공격! 피해 { $damage }. (내 체력 { $hp })
line-rich-hurt-plain-1 = { JOSA($monster, "이/가") } 되받아쳤다. 피해 { $damage }. (내 체력 { $hp })
line-rich-hurt-plain-2 = 한발 늦었다. { JOSA($monster, "이/가") } 준 피해 { $damage }. (내 체력 { $hp })
line-rich-hurt-strong-0 = { JOSA($monster, "이/가") } 온몸으로 들이받았다! 피해 { $damage }! (내 체력 { $hp })
line-rich-hurt-strong-1 = { $monster }의 사나운 일격! 피해 { $damage }! (내 체력 { $hp })
line-rich-hurt-strong-2 = 눈앞이 핑 돈다! { JOSA($monster, "이/가") } 준 피해 { $damage }! (내 체력 { $hp })
line-rich-skill = ✦ { $skill }! { $monster }에게 피해 { $damage }. (남은 체력 { $hp })
line-rich-heal = ✚ 따스한 기운이 돌아온다. 체력 { $amount } 회복. (내 체력 { $hp })
line-rich-shield = ◈ { $skill }! { $ticks }틱 동안 방어가 { $defense } 오른다.
line-rich-no-mana = { JOSA($skill, "을/를") } 떠올렸지만 마나 { $cost }에 미치지 못한다.
line-rich-kill = ☠ { JOSA($monster, "이/가") } 쓰러졌다! 경험치 +{ $exp }
line-rich-loot = 골드 { JOSA($gold, "을/를") } 주웠다.
line-rich-loot-with = 골드 { JOSA($gold, "과/와") } { JOSA($items, "을/를") } 주웠다.
line-rich-loot-item = { $item } ×{ $count }
line-rich-loot-sold = { $item } (가방이 가득 차 팔았다)
line-rich-level-up = ★ 레벨 { $level }! 온몸에 힘이 차오른다.
line-rich-death = ✝ { $monster } 앞에 무릎을 꿇었다…
line-rich-revive = 다시 눈을 떴다. (체력 { $hp })
line-rich-away = ⏳ { $time } 동안 자리를 비웠다.
line-rich-capped = 그중 { JOSA($time, "을/를") } 싸우고, 나머지는 기다렸다.
line-rich-digest = … 그사이 { tally }. (내 체력 { $hp })
line-rich-report = 합계: { tally }.
line-rich-end-stopped = ⚑ 무기를 거두었다. 전투가 끝났다.
line-rich-end-died = ⚑ 쓰러졌고, 전투는 끝났다.
line-rich-end-fled = ⚑ 달아났고, 전투는 끝났다.
line-rich-end-left = ⚑ 아무도 돌아오지 않아 전투가 끝났다.
line-rich-end-operator = ⚑ 더 큰 손이 전투를 끝냈다.
line-rich-end-deleted = ⚑ 전투도 이야기도 여기서 끝난다.

# 전투의 한동안을 모아 말할 때, 두 문체가 함께 쓴다.

tally = { tally-kills }, 경험치 { $exp }, 골드 { $gold }, { tally-items }, { tally-levels }, { tally-deaths }
tally-kills = 처치 { $kills }
tally-items = 물건 { $items }
tally-levels = 레벨 상승 { $levels }
tally-deaths = 쓰러짐 { $deaths }

# 시간의 길이.

span-hours-minutes = { span-hours } { span-minutes }
span-hours = { $hours }시간
span-minutes = { $minutes }분
span-seconds = { $seconds }초
