pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Shapes
import Kiosk.Theme

// This terminal, not a symbol of one: cropped and lit by part. Every device step shows it.
// Coordinates are those of one drawing, 820 wide; `crop` says which part of it is in view.
Item {
    id: root

    enum Crop { Bench, Whole, Slots, Head }
    enum Moving { Still, CardDown, PaperDown, CodeHeld, PaperOut, CardUp, PaperUp, CardInserted, CardLying }

    property string part: "" // id_plate document_plate scanner card_slot receipt_slot a4_slot camera
    property int crop: Machine.Bench
    property int moving: Machine.Still
    property string callout: ""
    property bool fine: false // small: no arrow, thicker lines

    readonly property rect view: crop === Machine.Whole ? Qt.rect(20, -340, 780, 1520)
                                 : crop === Machine.Slots ? Qt.rect(165, 765, 490, 320)
                                 : crop === Machine.Head ? Qt.rect(150, -345, 520, 340)
                                                         : Qt.rect(20, 370, 780, 540)
    readonly property real scaling: Math.min(width / view.width, height / view.height)
    readonly property real lineWidth: (fine ? 2.2 : 2.4) * Math.max(1, 0.9 / Math.max(scaling, 0.2))

    // Corners of each part, clockwise from top left.
    readonly property var parts: ({
            "id_plate": [[153, 604], [288, 604], [269, 709], [118, 709]],
            "document_plate": [[328, 565], [491, 565], [513, 736], [306, 736]],
            "scanner": [[530, 571], [633, 571], [650, 625], [541, 625]],
            "card_slot": [[542, 660], [669, 660], [689, 714], [552, 714]],
            "receipt_slot": [[226, 850], [393, 850], [393, 888], [226, 888]],
            "a4_slot": [[258, 985], [460, 985], [460, 1026], [258, 1026]],
            "camera": [[389, -313], [429, -313], [429, -273], [389, -273]]
        })
    readonly property var litCorners: part in parts ? parts[part] : []
    readonly property point litCentre: centre(litCorners)

    function centre(corners: var): point {
        let x = 0;
        let y = 0;
        for (const c of corners) {
            x += c[0] / corners.length;
            y += c[1] / corners.length;
        }
        return Qt.point(x, y);
    }

    // Corners moved outwards by `by` units along each side's normal, near enough for a glow.
    function grown(corners: var, by: real): var {
        const c = centre(corners);
        return corners.map(p => [p[0] + (p[0] < c.x ? -by : by), p[1] + (p[1] < c.y ? -by : by)]);
    }

    // A closed path through the corners, rounded by r.
    function rounded(corners: var, r: real): string {
        const n = corners.length;
        if (n === 0)
            return "M0,0";
        let path = "";
        for (let i = 0; i < n; i++) {
            const p = corners[i];
            const before = corners[(i + n - 1) % n];
            const after = corners[(i + 1) % n];
            const lb = Math.hypot(before[0] - p[0], before[1] - p[1]);
            const la = Math.hypot(after[0] - p[0], after[1] - p[1]);
            const rb = Math.min(r, lb / 2) / lb;
            const ra = Math.min(r, la / 2) / la;
            path += (i === 0 ? "M" : "L") + (p[0] + (before[0] - p[0]) * rb) + "," + (p[1] + (before[1] - p[1]) * rb);
            path += "Q" + p[0] + "," + p[1] + " " + (p[0] + (after[0] - p[0]) * ra) + "," + (p[1] + (after[1] - p[1]) * ra);
        }
        return path + "Z";
    }
    function box(x: real, y: real, w: real, h: real, r: real): string {
        return rounded([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], r);
    }

    clip: true
    implicitWidth: 780
    implicitHeight: 520
    Accessible.role: Accessible.Graphic
    Accessible.name: callout

    component Plane: ShapePath {
        strokeColor: Theme.devEdge
        strokeWidth: root.lineWidth
        fillColor: Theme.devBody
        joinStyle: ShapePath.RoundJoin
        capStyle: ShapePath.RoundCap
    }

    Item {
        id: drawing
        scale: root.scaling
        transformOrigin: Item.TopLeft
        x: root.width / 2 - (root.view.x + root.view.width / 2) * root.scaling
        y: root.height / 2 - (root.view.y + root.view.height / 2) * root.scaling

        Shape {
            Accessible.ignored: true
            // pedestal
            Plane {
                PathSvg {
                    path: root.box(176, 795, 467, 420, 4)
                }
            }
            // neck, screen
            Plane {
                fillColor: Theme.devSide
                PathSvg {
                    path: root.box(266, 440, 287, 110, 2)
                }
            }
            Plane {
                PathSvg {
                    path: root.box(185, -330, 449, 789, 30)
                }
            }
            Plane {
                fillColor: Theme.devDark
                strokeColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                PathSvg {
                    path: root.box(207, -265, 405, 702, 14)
                }
            }
            Plane {
                fillColor: Theme.devFace
                strokeWidth: 0
                strokeColor: "transparent"
                PathSvg {
                    path: root.box(222, -250, 375, 672, 3)
                }
            }
            // what the screen shows, in outline
            Plane {
                fillColor: Theme.devSide
                strokeColor: "transparent"
                PathSvg {
                    path: root.box(222, -250, 375, 60, 2) + root.box(252, -160, 220, 34, 6)
                          + root.box(252, -95, 150, 110, 10) + root.box(418, -95, 150, 110, 10)
                          + root.box(252, 35, 150, 110, 10) + root.box(418, 35, 150, 110, 10)
                          + root.box(252, 165, 316, 60, 10) + root.box(222, 378, 375, 44, 2)
                }
            }
            Plane {
                fillColor: Theme.primary
                strokeColor: "transparent"
                PathSvg {
                    path: root.box(418, 262, 150, 64, 10)
                }
            }
            Plane {
                fillColor: Theme.devDark
                PathSvg {
                    path: "M397,-293 a12,12 0 1,0 24,0 a12,12 0 1,0 -24,0 Z"
                }
            }
            Plane {
                fillColor: Theme.devFace
                PathSvg {
                    path: root.box(444, -298, 46, 10, 5)
                }
            }
            // lamp and document camera above the bench
            Plane {
                fillColor: Theme.devSide
                PathSvg {
                    path: root.rounded([[286, 444], [533, 444], [559, 493], [552, 503], [267, 503], [260, 493]], 6)
                }
            }
            Plane {
                fillColor: root.part === "document_plate" ? Theme.now : Theme.devFace
                PathSvg {
                    path: root.box(317, 470, 55, 14, 7) + root.box(447, 470, 55, 14, 7)
                }
            }
            Plane {
                fillColor: Theme.devDark
                PathSvg {
                    path: "M394,477 a15,15 0 1,0 30,0 a15,15 0 1,0 -30,0 Z"
                }
            }
            // bench
            Plane {
                fillColor: Theme.devFace
                PathSvg {
                    path: root.rounded([[148, 545], [665, 545], [762, 767], [57, 767]], 4)
                }
            }
            Plane {
                fillColor: Theme.devSide
                PathSvg {
                    path: "M57,766 L762,766 L762,795 Q762,805 752,805 L67,805 Q57,805 57,795 Z"
                }
            }
            // plates and slots at rest
            Plane {
                PathSvg {
                    path: root.rounded(root.parts["id_plate"], 12)
                }
            }
            Plane {
                PathSvg {
                    path: root.rounded(root.parts["document_plate"], 12)
                }
            }
            Plane {
                fillColor: "transparent"
                strokeWidth: root.lineWidth * 1.6
                PathSvg {
                    path: "M347,595 L347,578 L370,578 M448,578 L472,578 L475,595 M334,692 L332,714 L362,714 M458,714 L488,714 L486,692"
                }
            }
            Plane {
                fillColor: Theme.devDark
                PathSvg {
                    path: root.rounded(root.parts["scanner"], 9)
                }
            }
            Plane {
                PathSvg {
                    path: root.rounded(root.parts["card_slot"], 9)
                }
            }
            Plane {
                fillColor: "transparent"
                strokeColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                strokeWidth: 9
                PathSvg {
                    path: "M567,686 L660,686"
                }
            }
            Plane {
                fillColor: Theme.devDark
                PathSvg {
                    path: root.rounded(root.parts["receipt_slot"], 10) + root.rounded(root.parts["a4_slot"], 10)
                }
            }
            // a card drawn on its plate, small, where it belongs
            Plane {
                strokeColor: root.part === "id_plate" ? "transparent" : Theme.devEdge
                fillColor: "transparent"
                PathSvg {
                    path: root.rounded([[173, 634], [255, 634], [244, 683], [154, 683]], 6)
                }
            }
        }

        // -- the light ------------------------------------------------------------
        Item {
            id: light
            visible: root.litCorners.length > 0

            SequentialAnimation {
                running: light.visible && root.visible && !Theme.reducedMotion
                loops: Animation.Infinite
                NumberAnimation {
                    target: glow
                    property: "opacity"
                    from: 1
                    to: 0.45
                    duration: Theme.tLight / 2
                    easing.type: Easing.InOutSine
                }
                NumberAnimation {
                    target: glow
                    property: "opacity"
                    from: 0.45
                    to: 1
                    duration: Theme.tLight / 2
                    easing.type: Easing.InOutSine
                }
            }
            Shape {
                id: glow
                Accessible.ignored: true
                Plane {
                    strokeColor: "transparent"
                    fillColor: Qt.alpha(Theme.now, 0.28)
                    PathSvg {
                        path: root.rounded(root.grown(root.litCorners, root.fine ? 26 : 38), 36)
                    }
                }
                Plane {
                    strokeColor: "transparent"
                    fillColor: Qt.alpha(Theme.now, 0.5)
                    PathSvg {
                        path: root.rounded(root.grown(root.litCorners, root.fine ? 14 : 19), 24)
                    }
                }
            }
            Shape {
                Accessible.ignored: true
                Plane {
                    readonly property bool slot: root.part === "receipt_slot" || root.part === "a4_slot"
                    strokeColor: Theme.nowLine
                    strokeWidth: root.fine ? 7 : 5
                    fillColor: Theme.now
                    PathSvg {
                        path: root.rounded(root.part === "receipt_slot" || root.part === "a4_slot"
                                           ? root.grown(root.litCorners, 9) : root.litCorners, 14)
                    }
                }
                Plane {
                    readonly property bool slot: root.part === "receipt_slot" || root.part === "a4_slot"
                    strokeColor: slot ? Theme.nowLine : "transparent"
                    fillColor: slot ? Theme.devDark : "transparent"
                    PathSvg {
                        path: root.rounded(root.litCorners, 10)
                    }
                }
                Plane {
                    strokeColor: root.part === "id_plate" ? Theme.nowLine : "transparent"
                    strokeWidth: 4
                    strokeStyle: ShapePath.DashLine
                    dashPattern: [4, 3]
                    fillColor: "transparent"
                    PathSvg {
                        path: root.rounded([[170, 620], [273, 620], [258, 690], [141, 690]], 8)
                    }
                }
                Plane {
                    strokeColor: root.part === "document_plate" ? Theme.nowLine : "transparent"
                    strokeWidth: 4
                    strokeStyle: ShapePath.DashLine
                    dashPattern: [4, 3]
                    fillColor: "transparent"
                    PathSvg {
                        path: root.rounded([[345, 582], [474, 582], [492, 718], [327, 718]], 8)
                    }
                }
                Plane {
                    strokeColor: root.part === "card_slot" ? Theme.nowInk : "transparent"
                    strokeWidth: 9
                    fillColor: "transparent"
                    PathSvg {
                        path: "M567,686 L660,686"
                    }
                }
                Plane {
                    strokeColor: root.part === "camera" ? Theme.nowLine : "transparent"
                    fillColor: root.part === "camera" ? Theme.devDark : "transparent"
                    PathSvg {
                        path: "M400,-293 a9,9 0 1,0 18,0 a9,9 0 1,0 -18,0 Z"
                    }
                }
            }
        }

        // -- what moves -------------------------------------------------------------
        Item {
            id: mover
            readonly property bool up: root.moving === Machine.CardUp || root.moving === Machine.PaperUp
            readonly property real travel: root.moving === Machine.PaperOut ? 96
                                           : root.moving === Machine.PaperDown || root.moving === Machine.PaperUp ? 70 : 66
            readonly property bool rests: root.moving === Machine.CardLying
            // 0 away from the part, 1 at it
            property real at: up ? 1 : root.fine || root.moving === Machine.PaperOut ? 1 : 0

            visible: root.moving !== Machine.Still

            SequentialAnimation {
                running: mover.visible && !mover.rests && root.visible && !Theme.reducedMotion && !root.fine
                loops: Animation.Infinite
                NumberAnimation {
                    target: mover
                    property: "at"
                    from: mover.up ? 1 : 0
                    to: mover.up ? 0 : 1
                    duration: Theme.tCard
                    easing.type: Easing.BezierSpline
                    easing.bezierCurve: Theme.ease
                }
                PauseAnimation {
                    duration: Theme.tCardRest
                }
            }

            // card: over the plate, then on it
            Item {
                visible: root.moving === Machine.CardDown || root.moving === Machine.CardUp
                         || root.moving === Machine.CardInserted || mover.rests
                readonly property real at: mover.rests ? 1 : mover.at
                readonly property bool inserted: root.moving === Machine.CardInserted
                readonly property point place: inserted ? Qt.point(418, 92) : Qt.point(0, 62)
                x: place.x + (1 - at) * 12
                y: place.y - (1 - at) * mover.travel
                Shape {
                    Accessible.ignored: true
                    Plane {
                        fillColor: Theme.surface
                        strokeColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                        strokeWidth: 4
                        PathSvg {
                            path: root.rounded([[158, 558], [267, 558], [254, 625], [140, 625]], 10)
                        }
                    }
                    Plane {
                        fillColor: "transparent"
                        strokeColor: Theme.devEdge
                        strokeWidth: 5
                        PathSvg {
                            path: "M174,574 L205,574 M170,588 L213,588 M166,601 L203,601 M160,615 L232,615"
                        }
                    }
                    Plane {
                        fillColor: Theme.devSide
                        PathSvg {
                            path: root.rounded([[226, 569], [253, 569], [246, 605], [218, 605]], 5)
                        }
                    }
                    Plane {
                        fillColor: Theme.devEdge
                        strokeColor: "transparent"
                        PathSvg {
                            path: "M231,580 a7,6 0 1,0 14,0 a7,6 0 1,0 -14,0 Z M224,600 Q226,589 236,589 Q245,590 243,600 Z"
                        }
                    }
                }
            }
            // a sheet for the document plate
            Item {
                visible: root.moving === Machine.PaperDown || root.moving === Machine.PaperUp
                x: (1 - mover.at) * 0
                y: -(1 - mover.at) * mover.travel
                Shape {
                    Accessible.ignored: true
                    Plane {
                        fillColor: Theme.surface
                        strokeColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                        strokeWidth: 4
                        PathSvg {
                            path: root.rounded([[352, 592], [466, 592], [479, 706], [339, 706]], 4)
                        }
                    }
                    Plane {
                        fillColor: "transparent"
                        strokeColor: Theme.devEdge
                        strokeWidth: 5
                        PathSvg {
                            path: "M371,614 L428,614 M369,633 L450,633 M366,652 L453,652 M364,671 L455,671 M362,689 L420,689"
                        }
                    }
                }
            }
            // a code on paper or a telephone, held above the scanner
            Item {
                visible: root.moving === Machine.CodeHeld
                readonly property point to: root.part === "document_plate" ? Qt.point(-181, 62) : Qt.point(0, 0)
                x: to.x
                y: to.y - (1 - mover.at) * 46
                Shape {
                    Accessible.ignored: true
                    Plane {
                        fillColor: Theme.surface
                        strokeColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                        strokeWidth: 4
                        PathSvg {
                            path: root.rounded([[552, 500], [628, 500], [634, 606], [546, 606]], 6)
                        }
                    }
                    Plane {
                        fillColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                        strokeColor: "transparent"
                        PathSvg {
                            path: "M565,516h18v18h-18z M597,516h18v18h-18z M565,548h18v18h-18z M593,544h8v8h-8z M607,544h8v8h-8z M600,556h8v8h-8z M590,562h8v8h-8z M610,564h8v8h-8z"
                        }
                    }
                    Plane {
                        fillColor: "transparent"
                        strokeColor: Theme.devEdge
                        strokeWidth: 4
                        PathSvg {
                            path: "M566,582 L614,582 M570,594 L600,594"
                        }
                    }
                }
            }
            // the receipt coming out of its slot
            Item {
                visible: root.moving === Machine.PaperOut
                x: root.part === "a4_slot" ? 50 : 0
                y: root.part === "a4_slot" ? 135 : 0
                width: 420
                height: 1100
                Item {
                    x: 240
                    y: 868
                    width: 140
                    height: 130
                    clip: true
                    Item {
                        y: -(1 - mover.at) * mover.travel
                        Shape {
                            Accessible.ignored: true
                            Plane {
                                fillColor: Theme.surface
                                strokeColor: Theme.highContrast ? Theme.devEdge : Theme.devDark
                                strokeWidth: 3
                                PathSvg {
                                    path: "M6,-20 L134,-20 L134,108 L123,120 L112,108 L102,120 L91,108 L81,120 L70,108 L59,120 L49,108 L38,120 L28,108 L17,120 L6,108 Z"
                                }
                            }
                            Plane {
                                fillColor: "transparent"
                                strokeColor: Theme.devEdge
                                strokeWidth: 5
                                PathSvg {
                                    path: "M26,22 L114,22 M26,42 L92,42 M26,62 L114,62 M26,82 L76,82"
                                }
                            }
                        }
                    }
                }
            }
        }

        // -- the arrow: which way the hand goes -----------------------------------------
        Shape {
            opacity: root.moving === Machine.Still ? 1 : Math.max(0, 1 - mover.at * 3)
            visible: !root.fine && !mover.up && root.litCorners.length > 0
                     && (root.moving === Machine.CardDown || root.moving === Machine.Still)
                     && root.part === "id_plate"
            x: 206
            y: 588
            Accessible.ignored: true
            Plane {
                strokeColor: Theme.surface
                strokeWidth: 24
                fillColor: "transparent"
                PathSvg {
                    path: "M0,0 L0,70 M-30,42 L0,72 L30,42"
                }
            }
            Plane {
                strokeColor: Theme.highContrast ? "#000000" : Theme.ink
                strokeWidth: 12
                fillColor: "transparent"
                PathSvg {
                    path: "M0,0 L0,70 M-30,42 L0,72 L30,42"
                }
            }
        }
    }

    // -- the words at the lit part ------------------------------------------------------
    Item {
        id: bubble
        readonly property real tipX: drawing.x + root.litCentre.x * root.scaling
        readonly property bool below: root.crop === Machine.Slots || root.crop === Machine.Head
        readonly property real partTop: {
            let top = 1e9;
            for (const c of root.litCorners)
                top = Math.min(top, c[1]);
            return drawing.y + top * root.scaling;
        }
        readonly property real moverRoom: root.moving === Machine.Still ? 24
                                          : root.moving === Machine.CodeHeld ? 138
                                          : root.moving === Machine.PaperDown || root.moving === Machine.PaperUp ? 52 : 122

        // not where the drawing is too low for it: half a line helps nobody
        visible: root.callout !== "" && !root.fine && root.litCorners.length > 0 && y + height <= root.height
        width: Math.min(words.implicitWidth + 2 * Theme.s3, root.width - 2 * Theme.s2)
        height: words.height + 2 * Theme.s1
        x: Math.max(Theme.s4, Math.min(root.width - width - Theme.s2, tipX - width / 2))
        y: below ? partTop + 150 * root.scaling
                 : Math.max(Theme.s2, partTop - height - tip.height - moverRoom * root.scaling)

        Shape {
            id: tip
            width: 44
            height: 24
            visible: !bubble.below
            x: Math.max(Theme.s4, Math.min(bubble.width - width - Theme.s4, bubble.tipX - bubble.x - width / 2))
            y: bubble.height - 3
            z: 1
            Accessible.ignored: true
            ShapePath {
                strokeColor: Theme.nowLine
                strokeWidth: Theme.stroke
                fillColor: Theme.now
                PathSvg {
                    path: "M0,0 L22,22 L44,0"
                }
            }
        }
        Rectangle {
            anchors.fill: parent
            radius: Theme.rS
            color: Theme.now
            border.width: Theme.stroke
            border.color: Theme.nowLine
        }
        Label {
            id: words
            anchors.centerIn: parent
            width: parent.width - 2 * Theme.s3
            kind: Label.Strong
            horizontalAlignment: Text.AlignHCenter
            text: root.callout
            color: Theme.nowInk
        }
    }
}
